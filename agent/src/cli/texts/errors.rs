//! What went wrong, in Vietnamese and English. Details that come from the system or a parser stay as they are.

use super::Texts;
use crate::app::{REACHABILITY, Trouble};
use crate::config::{ConfigError, Language};
use crate::delivery::DeliveryError;
use crate::enroll::EnrollError;
use crate::sensor::registry;
use crate::spool::SpoolError;
use crate::uplink::identity::IdentityError;
use clap::error::{ContextKind, ErrorKind};
use tram_proto::enroll::InvalidToken;
use tram_proto::phrase;

impl Texts {
    fn is_english(&self) -> bool {
        self.language == Language::English
    }

    /// Why an enrolment failed and what to do.
    pub(in crate::cli) fn enroll_error(&self, error: &EnrollError) -> String {
        match error {
            EnrollError::Identity(error) => self.identity_error(error),
            _ if self.is_english() => error.to_string(),
            EnrollError::Address(error) => {
                format!("địa chỉ trung tâm {}: cần dạng https://MÁY:CỔNG", error.0)
            }
            EnrollError::Unreachable { collector, why } => {
                let why = in_vietnamese(why);
                format!("{collector} không trả lời, hoặc không phải là trung tâm ghi trong mã: {why}")
            }
            EnrollError::Machine { path } => {
                format!("agent.machine_id = {path}: cần một tệp chứa mã của máy này")
            }
            EnrollError::OtherAuthority => {
                "collector.ca_file không phải là chứng thư gốc ghi trong mã".to_owned()
            }
            EnrollError::Shadowed(collector) => {
                format!("{collector} trùng tên với proxy: proxy dùng TLS phải có tên khác")
            }
            EnrollError::Spent => "mã đã dùng hết lượt: hãy xin mã mới".to_owned(),
            EnrollError::Expired => "mã đã hết hạn: hãy xin mã mới".to_owned(),
            EnrollError::Unknown => "trung tâm không biết mã này: hãy xin mã mới".to_owned(),
            EnrollError::Refused(why) => format!("trung tâm từ chối: {why}"),
            EnrollError::Answer(why) => format!("không dùng được câu trả lời của trung tâm: {why}"),
        }
    }

    /// What is wrong with a token as typed.
    pub(in crate::cli) fn token_error(&self, error: &InvalidToken) -> String {
        if self.is_english() {
            return format!("token: {error}");
        }
        "mã: không phải mã ghi danh: cần tram1_ và 80 ký tự, đúng như `tram-collector enrollment create` in ra"
            .to_owned()
    }

    /// What is wrong with the settings.
    pub(in crate::cli) fn config_error(&self, error: &ConfigError) -> String {
        if self.is_english() {
            return error.to_string();
        }
        match error {
            ConfigError::Read { path, why } => format!("không đọc được {}: {why}", path.display()),
            ConfigError::Line { path, line, message } => {
                format!("{}, dòng {line}: {}", path.display(), in_vietnamese(message))
            }
            ConfigError::Variable { name, message } => format!("biến {name}: {}", in_vietnamese(message)),
            ConfigError::Value { key, value, expected } => format!("{key} = {value}: cần {}", expected.vi),
        }
    }

    /// Why a command came to nothing.
    pub(in crate::cli) fn trouble(&self, trouble: &Trouble) -> String {
        match trouble {
            Trouble::Sensor(error) => {
                let names: Vec<&str> = registry::names().chain([REACHABILITY]).collect();
                let (name, names) = (&error.name, names.join(", "));
                if self.is_english() {
                    format!("there is no sensor {name:?}: expected some of {names}")
                } else {
                    format!("không có cảm biến {name:?}: cần tên trong số {names}")
                }
            }
            Trouble::Identity(error) | Trouble::Delivery(DeliveryError::Identity(error)) => {
                self.identity_error(error)
            }
            _ if self.is_english() => trouble.to_string(),
            Trouble::Taken(path) => {
                format!("một tác tử khác đang chạy với thư mục trạng thái {}", path.display())
            }
            Trouble::State { path, why } => {
                format!("không dùng được thư mục trạng thái {}: {why}", path.display())
            }
            Trouble::Delivery(DeliveryError::NotEnrolled) => {
                "chưa ghi danh: hãy chạy `tram-agent enroll` trước".to_owned()
            }
            Trouble::Delivery(DeliveryError::OtherAuthority) => {
                "collector.ca_file không phải là chứng thư gốc mà máy này đã ghi danh".to_owned()
            }
            Trouble::Delivery(DeliveryError::Spool(error)) => spool_error(error),
            Trouble::Delivery(DeliveryError::Connection(error)) => {
                format!("không chuẩn bị được kết nối: {error}")
            }
            Trouble::Other(error) => format!("{error:#}"),
        }
    }

    fn identity_error(&self, error: &IdentityError) -> String {
        match (self.language, error) {
            (Language::English, IdentityError::Io { why, .. }) => {
                format!("identity: {error}{}", self.right(why))
            }
            (Language::English, _) => error.to_string(),
            (Language::Vietnamese, IdentityError::Io { path, why }) => {
                format!("danh tính: {}: {why}{}", path.display(), self.right(why))
            }
            (Language::Vietnamese, IdentityError::Damaged { path, why }) => {
                format!("{} đã hỏng ({why}): hãy ghi danh lại", path.display())
            }
            (Language::Vietnamese, IdentityError::Unusable(why)) => {
                format!("không dùng được khóa hoặc chứng thư: {why}")
            }
        }
    }

    /// What to do where the system says no.
    fn right(&self, why: &std::io::Error) -> &'static str {
        match (why.kind(), self.language) {
            (std::io::ErrorKind::PermissionDenied, Language::English) => " (run it as root)",
            (std::io::ErrorKind::PermissionDenied, Language::Vietnamese) => " (hãy chạy với quyền root)",
            (_, Language::English | Language::Vietnamese) => "",
        }
    }

    /// What is wrong with the command line; none where clap's own words are as good.
    #[expect(clippy::wildcard_enum_match_arm, reason = "clap's kinds are open, and most never come up here")]
    pub(in crate::cli) fn usage_error(&self, error: &clap::Error) -> Option<String> {
        if self.is_english() {
            return None;
        }
        let of = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
        let words = match error.kind() {
            ErrorKind::InvalidSubcommand => format!("không có lệnh {}", of(ContextKind::InvalidSubcommand)),
            ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                "cần một lệnh: enroll, run, once, check hoặc status".to_owned()
            }
            ErrorKind::UnknownArgument => format!("không có tùy chọn {}", of(ContextKind::InvalidArg)),
            ErrorKind::MissingRequiredArgument => format!("thiếu {}", of(ContextKind::InvalidArg)),
            ErrorKind::InvalidValue => {
                let (option, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
                format!("giá trị {value:?} của {option} không hợp lệ")
            }
            _ => return None,
        };
        Some(format!("{words}\nXem: tram-agent --help --lang vi"))
    }
}

/// In Vietnamese where it is known in both languages; what the system says stays as it is.
fn in_vietnamese(detail: &str) -> String {
    phrase::find(detail).map_or_else(|| detail.to_owned(), |said| said.vi)
}

fn spool_error(error: &SpoolError) -> String {
    match error {
        SpoolError::Full(directory) => format!("hết chỗ cho hàng đợi báo cáo trong {}", directory.display()),
        SpoolError::Io { directory, why } => {
            format!("hàng đợi báo cáo trong {}: {why}", directory.display())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::registry::UnknownSensor;

    #[test]
    fn an_unknown_sensor_is_answered_with_every_name() {
        let trouble = Trouble::Sensor(UnknownSensor { name: "nonsense".into() });
        for (language, words) in [(Language::English, "there is no"), (Language::Vietnamese, "không có")] {
            let text = Texts::of(language).trouble(&trouble);
            assert!(
                text.contains(words) && text.contains("cpu, ") && text.contains("reachability"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_said_most_often_is_said_in_vietnamese() {
        let vietnamese = Texts::of(Language::Vietnamese);
        let (path, line) = (std::path::PathBuf::from("agent.toml"), 6);
        for keys in ["`a`", "`a` or `b`", "one of `a`, `b`, `c`"] {
            let message = format!("unknown field `sise`, expected {keys}");
            let text = vietnamese.config_error(&ConfigError::Line { path: path.clone(), line, message });
            assert!(text.contains("dòng 6: không có khóa `sise`") && !text.contains("field"), "{text}");
        }
        for why in ["connection refused", "status 405, which no collector answers at its port for agents"] {
            let why = format!("{why} (through the proxy http://proxy:3128)");
            let text = vietnamese.enroll_error(&EnrollError::Unreachable { collector: "c".into(), why });
            assert!(!text.contains("proxy http") || text.contains("qua máy chủ proxy"), "{text}");
            assert!(!text.contains("refused") && !text.contains("which"), "{text}");
        }
    }

    #[test]
    fn who_lacks_the_right_is_told_whose_it_is() {
        let why = || std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let trouble = Trouble::Identity(IdentityError::Io { path: "/state".into(), why: why() });
        assert!(Texts::of(Language::English).trouble(&trouble).ends_with("(run it as root)"));
        assert!(Texts::of(Language::Vietnamese).trouble(&trouble).ends_with("(hãy chạy với quyền root)"));
    }

    #[test]
    fn an_error_is_said_once() {
        let why = || std::io::Error::from_raw_os_error(28);
        let path = || std::path::PathBuf::from("/state");
        let check = |trouble: Trouble| {
            for language in [Language::English, Language::Vietnamese] {
                let text = Texts::of(language).trouble(&trouble);
                assert_eq!(text.matches("os error 28").count(), 1, "{text}");
            }
        };
        check(Trouble::State { path: path(), why: why() });
        check(Trouble::Identity(IdentityError::Io { path: path(), why: why() }));
        let spool = SpoolError::Io { directory: path(), why: why() };
        check(Trouble::Delivery(DeliveryError::Spool(spool)));
        check(Trouble::from(why()));
    }
}
