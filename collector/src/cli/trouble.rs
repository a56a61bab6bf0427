//! What went wrong below, in the words of the command line. Details that come from the system or a parser stay as
//! they are, behind words in the reader's language.

use super::complaint::Complaint;
use crate::api::password::PasswordError;
use crate::api::secret::NoRandom;
use crate::app::StartError;
use crate::commit::NoRebuild;
use crate::config::ConfigError;
use crate::pki::PkiError;
use crate::series::SeriesError;
use crate::store::StoreError;

impl From<ConfigError> for Complaint {
    fn from(error: ConfigError) -> Self {
        Self { text: error.text(), is_usage: true }
    }
}

impl From<StartError> for Complaint {
    fn from(error: StartError) -> Self {
        let en = error.to_string();
        match error {
            StartError::Folder { path, why } => {
                Self::failure(format!("data_dir: không tạo được {}: {why}", path.display()), en)
            }
            StartError::Taken(path) => {
                let vi =
                    format!("data_dir {}: một trung tâm khác đang chạy trên thư mục này", path.display());
                Self::failure(vi, en)
            }
            StartError::Listen { address, key, why } => {
                Self::failure(format!("không lắng nghe được trên {address} ({key}): {why}"), en)
            }
            StartError::RulesFile { path, why } => {
                Self::usage(format!("không đọc được bộ quy tắc {}: {why}", path.display()), en)
            }
            StartError::Rules { path, mistake } => {
                Self::usage(format!("bộ quy tắc {}, {}", path.display(), mistake.text().vi), en)
            }
            StartError::Pki(error) => Self::from(error),
            StartError::Rebuild(NoRebuild::Store(error)) | StartError::Store(error) => stored(&error),
            StartError::Rebuild(error) => Self::failure(rebuild_vi(&error), en),
            StartError::Password(error) => Self::from(error),
            StartError::System(error) => Self::from(error),
        }
    }
}

/// A store that could not be opened. Nobody else's log has more to say.
fn stored(error: &StoreError) -> Complaint {
    let vi = match error {
        StoreError::Newer { found, known } => {
            format!(
                "dữ liệu thuộc một phiên bản mới hơn: lược đồ {found}, phiên bản này chỉ biết đến {known}"
            )
        }
        StoreError::Database(error) => format!("không mở được dữ liệu: {error}"),
        StoreError::Missing(_)
        | StoreError::Stale(_)
        | StoreError::Conflict(_)
        | StoreError::Busy
        | StoreError::Closed => format!("dữ liệu không như mong đợi: {error}"),
    };
    Complaint::failure(vi, error.to_string())
}

fn rebuild_vi(error: &NoRebuild) -> String {
    match error {
        NoRebuild::Series(SeriesError::Newer { version, known }) => {
            format!(
                "lịch sử thuộc một phiên bản mới hơn: lược đồ {version}, phiên bản này chỉ biết đến {known}"
            )
        }
        NoRebuild::Series(error) => format!("không mở được lịch sử: {error}"),
        NoRebuild::Log { id, source } => format!("dòng {id} của nhật ký báo cáo đã hỏng: {source}"),
        NoRebuild::Snapshot(error) => format!("bản chụp trạng thái đã hỏng: {error}"),
        NoRebuild::Revocations(error) => format!("không dùng được tệp tác tử bị thu hồi: {error}"),
        NoRebuild::Store(error) => stored(error).text.vi,
    }
}

impl From<PkiError> for Complaint {
    fn from(error: PkiError) -> Self {
        let vi = match &error {
            PkiError::File { path, source } => format!("không dùng được {}: {source}", path.display()),
            PkiError::Content { path, message } => {
                format!("{}: không phải chứng thư và khóa PEM khớp nhau: {message}", path.display())
            }
            PkiError::Request(message) => format!("không phải yêu cầu ký chứng thư dạng PEM: {message}"),
            PkiError::Make(error) => format!("không tạo được chứng thư: {error}"),
        };
        Self::failure(vi, error.to_string())
    }
}

impl From<PasswordError> for Complaint {
    fn from(error: PasswordError) -> Self {
        let vi = match error {
            PasswordError::Busy => "quá nhiều mật khẩu đang được kiểm tra",
            PasswordError::Failed => "không băm được mật khẩu",
        };
        Self::failure(vi, error.to_string())
    }
}

impl From<NoRandom> for Complaint {
    fn from(error: NoRandom) -> Self {
        Self::failure("hệ thống không cho số ngẫu nhiên", error.to_string())
    }
}

impl From<std::io::Error> for Complaint {
    fn from(error: std::io::Error) -> Self {
        Self::failure(format!("hệ thống từ chối: {error}"), format!("the system refuses: {error}"))
    }
}

#[cfg(test)]
mod tests;
