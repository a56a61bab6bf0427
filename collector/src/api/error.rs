//! Refusals as callers see them: RFC 9457 with the detail in both languages. What the log must see and the caller must
//! not, goes to the log here, once.

use crate::api::view::{Problem, Text};
use crate::model::user::Role;
use crate::store::StoreError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Why a request was not done.
#[derive(Debug)]
pub enum ApiError {
    /// Nobody is signed in.
    Unauthenticated,
    /// The name or the password is wrong: the two are never told apart.
    WrongPassword,
    /// Too many wrong attempts: when to try again.
    TooManyAttempts {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// The caller's role is too low.
    Forbidden {
        /// The least role that may.
        needs: Role,
    },
    /// A page of another origin caused the request.
    CrossSite,
    /// There is no such thing, or the caller may not see it: the two are never told apart.
    Missing(&'static str),
    /// The method is not one of this path's.
    MethodNotAllowed,
    /// A field or parameter is not acceptable.
    Invalid {
        /// Which.
        field: String,
        /// Why, and what was expected.
        text: Text,
    },
    /// The body is not JSON of the expected shape.
    BadBody(crate::model::text::Text),
    /// The body is larger than any request needs.
    TooLarge,
    /// Somebody else has changed it since the caller read it.
    Stale,
    /// A change needs `If-Match`.
    PreconditionRequired,
    /// The change contradicts what is stored.
    Conflict(Text),
    /// The collector is too busy, or about to stop.
    Busy,
    /// The collector's disk is full.
    DiskFull,
    /// A fault of ours; the text is for the log only.
    Internal(String),
}

impl ApiError {
    /// A field is not acceptable.
    pub fn invalid(field: impl Into<String>, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), text: Text { vi: vi.into(), en: en.into() } }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::WrongPassword => StatusCode::UNAUTHORIZED,
            Self::TooManyAttempts { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Forbidden { .. } | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Missing(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::BadBody(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn kind_and_title(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unauthenticated => ("unauthenticated", "not signed in"),
            Self::WrongPassword => ("wrong-password", "wrong name or password"),
            Self::TooManyAttempts { .. } => ("too-many-attempts", "too many wrong attempts"),
            Self::Forbidden { .. } => ("forbidden", "not allowed"),
            Self::CrossSite => ("cross-site", "request of another site"),
            Self::Missing(_) => ("not-found", "not found"),
            Self::MethodNotAllowed => ("method-not-allowed", "method not allowed"),
            Self::Invalid { .. } => ("invalid", "not acceptable"),
            Self::BadBody(_) => ("bad-body", "body not understood"),
            Self::TooLarge => ("too-large", "body too large"),
            Self::Stale => ("stale", "changed meanwhile"),
            Self::PreconditionRequired => ("precondition-required", "If-Match is required"),
            Self::Conflict(_) => ("conflict", "contradicts what is stored"),
            Self::Busy => ("busy", "too busy"),
            Self::DiskFull => ("disk-full", "disk full"),
            Self::Internal(_) => ("internal", "fault of the collector"),
        }
    }

    fn text(&self) -> Text {
        let (vi, en) = match self {
            Self::Invalid { text, .. } | Self::Conflict(text) => return text.clone(),
            Self::TooManyAttempts { retry_after_s } => (
                format!("Sai quá nhiều lần. Hãy thử lại sau {retry_after_s} giây."),
                format!("Too many wrong attempts. Try again in {retry_after_s} seconds."),
            ),
            Self::Forbidden { needs } => (
                format!("Việc này cần quyền {}.", role_vi(*needs)),
                format!("This needs the role {}.", needs.as_str()),
            ),
            Self::Missing(noun) => (
                format!("Không có {} này, hoặc bạn không được xem.", noun_vi(noun)),
                format!("There is no such {noun}, or you may not see it."),
            ),
            Self::BadBody(why) => (
                format!("Nội dung gửi lên không đúng định dạng JSON mong đợi: {}.", why.vi),
                format!("The body is not the JSON that was expected: {}.", why.en),
            ),
            Self::Unauthenticated => (
                "Bạn chưa đăng nhập, hoặc phiên đã hết hạn.".into(),
                "You are not signed in, or the session has expired.".into(),
            ),
            Self::WrongPassword => {
                ("Sai tên đăng nhập hoặc mật khẩu.".into(), "The name or the password is wrong.".into())
            }
            Self::CrossSite => (
                "Yêu cầu bị từ chối vì đến từ một trang khác.".into(),
                "The request was refused because another site caused it.".into(),
            ),
            Self::MethodNotAllowed => (
                "Đường dẫn này không nhận phương thức đó.".into(),
                "This path does not take that method.".into(),
            ),
            Self::TooLarge => {
                ("Nội dung gửi lên quá lớn.".into(), "The body is larger than any request needs.".into())
            }
            Self::Stale => (
                "Người khác đã sửa mục này sau khi bạn mở nó. Hãy tải lại rồi sửa tiếp.".into(),
                "Somebody else has changed this since you opened it. Load it again, then change it.".into(),
            ),
            Self::PreconditionRequired => (
                "Thiếu tiêu đề If-Match với etag của mục cần sửa.".into(),
                "The header If-Match with the etag of what is to be changed is missing.".into(),
            ),
            Self::Busy => (
                "Máy chủ đang bận. Hãy thử lại sau ít giây.".into(),
                "The collector is busy. Try again in a few seconds.".into(),
            ),
            Self::DiskFull => (
                "Đĩa của trung tâm đã đầy nên không lưu được thay đổi.".into(),
                "The collector's disk is full, so the change was not kept.".into(),
            ),
            Self::Internal(_) => (
                "Máy chủ gặp lỗi. Chi tiết nằm trong nhật ký của máy chủ.".into(),
                "The collector has failed. Its log says why.".into(),
            ),
        };
        Text { vi, en }
    }

    /// The body of the answer.
    pub fn problem(&self) -> Problem {
        let (kind, title) = self.kind_and_title();
        let text = self.text();
        let field = match self {
            Self::Invalid { field, .. } => Some(field.clone()),
            Self::Unauthenticated
            | Self::WrongPassword
            | Self::TooManyAttempts { .. }
            | Self::Forbidden { .. }
            | Self::CrossSite
            | Self::Missing(_)
            | Self::MethodNotAllowed
            | Self::BadBody(_)
            | Self::TooLarge
            | Self::Stale
            | Self::PreconditionRequired
            | Self::Conflict(_)
            | Self::Busy
            | Self::DiskFull
            | Self::Internal(_) => None,
        };
        Problem {
            kind: format!("about:blank#{kind}"),
            title: title.to_owned(),
            status: self.status().as_u16(),
            detail: text.en.clone(),
            text,
            field,
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts { retry_after_s } => Some(*retry_after_s),
            Self::Busy => Some(2),
            Self::Unauthenticated
            | Self::WrongPassword
            | Self::Forbidden { .. }
            | Self::CrossSite
            | Self::Missing(_)
            | Self::MethodNotAllowed
            | Self::Invalid { .. }
            | Self::BadBody(_)
            | Self::TooLarge
            | Self::Stale
            | Self::PreconditionRequired
            | Self::Conflict(_)
            | Self::DiskFull
            | Self::Internal(_) => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Internal(cause) = &self {
            tracing::error!(cause, "a request of an operator failed");
        }
        let body = serde_json::to_vec(&self.problem()).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if error.is_disk_full() {
            return Self::DiskFull;
        }
        match error {
            StoreError::Missing(noun) => Self::Missing(noun),
            StoreError::Stale(_) => Self::Stale,
            StoreError::Conflict(why) => Self::Conflict(Text {
                vi: format!("Trái với dữ liệu đã lưu: {why}."),
                en: format!("This contradicts what is stored: {why}."),
            }),
            StoreError::Newer { found, known } => Self::Conflict(Text {
                vi: format!(
                    "Dữ liệu thuộc một phiên bản Trạm mới hơn: lược đồ {found}, phiên bản này chỉ biết đến {known}."
                ),
                en: format!(
                    "The store is of a newer release: schema {found}, this release knows up to {known}."
                ),
            }),
            StoreError::Database(error) => Self::Internal(error.to_string()),
            StoreError::Busy | StoreError::Closed => Self::Busy,
        }
    }
}

fn role_vi(role: Role) -> &'static str {
    match role {
        Role::Viewer => "người xem",
        Role::Operator => "người vận hành",
        Role::Admin => "quản trị",
    }
}

fn noun_vi(noun: &str) -> &'static str {
    match noun {
        "agency" => "cơ quan",
        "site" => "địa điểm",
        "asset" => "thiết bị",
        "agent" => "tác tử",
        "alert" => "cảnh báo",
        "work order" => "phiếu việc",
        "user" => "người dùng",
        "enrollment" => "mã ghi danh",
        "file" => "tệp",
        "path" => "đường dẫn",
        _ => "mục",
    }
}
