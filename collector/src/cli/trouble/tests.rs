//! What a start that fails says, by running into it.

use super::*;
use crate::app;
use crate::clock::Clock;
use crate::config::{self, Config};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;

fn config_in(dir: &Path) -> Config {
    let text = format!(
        "data_dir = {:?}\n[listen]\nagents = \"127.0.0.1:0\"\noperators = \"127.0.0.1:0\"\n",
        dir.display().to_string()
    );
    config::parse(Path::new("collector.toml"), &text, &BTreeMap::new()).unwrap()
}

async fn refused(config: Config) -> Complaint {
    Complaint::from(app::start(config, Clock::system()).await.unwrap_err())
}

fn check(complaint: &Complaint, vi: &str, en: &str) {
    assert!(complaint.text.vi.contains(vi), "{}", complaint.text.vi);
    assert!(complaint.text.en.contains(en), "{}", complaint.text.en);
}

#[tokio::test]
async fn a_port_in_use_is_named_with_its_address_and_key() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = config_in(dir.path());
    config.listen.operators = taken.local_addr().unwrap();
    let place = format!("{} (listen.operators): ", taken.local_addr().unwrap());
    let complaint = refused(config).await;
    check(&complaint, &format!("không lắng nghe được trên {place}"), &format!("cannot listen on {place}"));
    assert!(!complaint.is_usage);
    assert_eq!(complaint.text.vi.matches("os error").count(), 1, "{complaint:?}");
    assert_eq!(complaint.text.en.matches("os error").count(), 1, "{complaint:?}");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_or_is_taken_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("data").display().to_string();
    let complaint = refused(config_in(Path::new(&inside))).await;
    check(
        &complaint,
        &format!("data_dir: không tạo được {inside}: "),
        &format!("data_dir: {inside} cannot be made: "),
    );
    let lock = std::fs::File::create(dir.path().join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let complaint = refused(config_in(dir.path())).await;
    check(&complaint, "một trung tâm khác đang chạy", "another collector is running on it");
}

#[tokio::test]
async fn a_store_of_a_newer_release_is_named_by_its_schema() {
    let dir = tempfile::tempdir().unwrap();
    let store = crate::store::sqlite::open_writer(dir.path()).unwrap();
    store.pragma_update(None, "user_version", 999).unwrap();
    drop(store);
    let complaint = refused(config_in(dir.path())).await;
    check(&complaint, "dữ liệu thuộc một phiên bản mới hơn: lược đồ 999", "newer release: schema 999");
    let beside = Complaint::from(crate::store::sqlite::open_writer(dir.path()).unwrap_err());
    check(&beside, "phiên bản Trạm mới hơn: lược đồ 999", "newer release: schema 999");
}

#[test]
fn mistakes_in_the_rules_name_file_and_line_and_are_the_callers() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rules.toml");
    let complaint = Complaint::from(app::load_rules(Some(&file)).unwrap_err());
    check(&complaint, "không đọc được bộ quy tắc", "cannot be read");
    assert!(complaint.is_usage);
    std::fs::write(&file, "\n[cpu_bussy]\n").unwrap();
    let complaint = Complaint::from(app::load_rules(Some(&file)).unwrap_err());
    check(&complaint, "rules.toml, dòng 2: không có quy tắc `cpu_bussy`", "rules.toml, line 2: unknown rule");
    assert!(complaint.is_usage);
}

#[test]
fn what_is_wrong_below_has_a_lead_in_both_languages() {
    let system = || std::io::Error::from_raw_os_error(28);
    let pki = |error: PkiError| Complaint::from(StartError::from(error));
    check(
        &pki(PkiError::File { path: "x.pem".into(), source: system() }),
        "không dùng được x.pem: ",
        "x.pem: ",
    );
    let content = PkiError::Content { path: "x.pem".into(), message: "no key".to_owned() };
    check(&pki(content), "x.pem: không phải chứng thư và khóa PEM", "x.pem: not a certificate and key");
    let rebuild = |error: NoRebuild| Complaint::from(StartError::from(error));
    let newer = SeriesError::Newer { version: 9, known: 1 };
    check(&rebuild(newer.into()), "lịch sử thuộc một phiên bản mới hơn: lược đồ 9", "history is of a newer");
    check(&rebuild(system().into()), "không dùng được tệp tác tử bị thu hồi: ", "revocations: ");
    check(&Complaint::from(StartError::from(system())), "hệ thống từ chối: ", "os error 28");
    check(&Complaint::from(NoRandom), "số ngẫu nhiên", "no random bytes");
    check(&Complaint::from(StartError::from(PasswordError::Failed)), "không băm được", "hashing");
}
