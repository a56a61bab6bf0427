//! What the command line says, in Vietnamese and English. Text only.

use crate::config::Language;

mod errors;

/// Texts of one language.
#[derive(Debug)]
pub(super) struct Texts {
    language: Language,
    pub(super) about: &'static str,
    pub(super) template: &'static str,
    pub(super) template_with_commands: &'static str,
    pub(super) options: &'static str,
    pub(super) help: &'static str,
    pub(super) version: &'static str,
    pub(super) config: &'static str,
    pub(super) lang: &'static str,
    pub(super) paths: &'static str,
    pub(super) enroll: &'static str,
    pub(super) collector: &'static str,
    pub(super) token: &'static str,
    pub(super) token_file: &'static str,
    pub(super) run: &'static str,
    pub(super) once: &'static str,
    pub(super) only: &'static str,
    pub(super) gather: &'static str,
    pub(super) output: &'static str,
    pub(super) check: &'static str,
    pub(super) status: &'static str,
    pub(super) show_payload: &'static str,
    pub(super) raw: &'static str,
    pub(super) payload_next: &'static str,
    pub(super) payload_fresh: &'static str,
    pub(super) payload_not_enrolled: &'static str,
    pub(super) payload_bytes: &'static str,
    pub(super) error: &'static str,
    pub(super) bad_config: &'static str,
    pub(super) no_token: &'static str,
    pub(super) enrolled: &'static str,
    pub(super) enrolled_waits: &'static str,
    pub(super) check_enrolled: &'static str,
    pub(super) check_not_enrolled: &'static str,
}

impl Texts {
    /// Those of a language.
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Vietnamese => &VIETNAMESE,
            Language::English => &ENGLISH,
        }
    }
}

const ENGLISH: Texts = Texts {
    language: Language::English,
    about: "Measures this host and reports to a Trạm collector",
    template: "{about}\n\nUsage: {usage}\n\n{all-args}",
    template_with_commands: "{about}\n\nUsage: {usage}\n\nCommands:\n{subcommands}\n\nOptions:\n{options}\n\n{after-help}",
    options: "Options",
    help: "Print help",
    version: "Print version",
    config: "Settings [default: /etc/tram/agent.toml]",
    lang: "Language: vi or en [default: from LANG]",
    paths: "--path.NAME PATH reads a source elsewhere, or runs another program for it:",
    enroll: "Enrol this host with a collector",
    collector: "The collector's address",
    token: "Token from `tram-collector enrollment create`; also TRAM_ENROLL_TOKEN or TRAM_ENROLL_TOKEN_FILE",
    token_file: "File with the token",
    run: "Run until stopped",
    once: "Read everything once and print it as JSON; needs no enrolment",
    only: "These sensors only; `reachability` is the ladder",
    gather: "Run the programs that read hardware and keep their answers for an agent that may not; run by tram-hardware",
    output: "Folder for the answers, which has to be there [default: /run/tram-hardware]",
    check: "Check the settings and the identity",
    status: "Say in plain words how things stand",
    show_payload: "Print the exact bytes that would leave next",
    raw: "As they leave, compressed; without it the JSON that they hold",
    payload_next: "Would leave next, over TLS:",
    payload_fresh: "Nothing waits to be sent. What was measured just now would leave so, over TLS (a running agent adds what \
                    its probes found):",
    payload_not_enrolled: "This host is not enrolled: it has no id and nowhere to report to. What was measured just now \
                           would leave so, over TLS:",
    payload_bytes: "bytes leave; the JSON in them has",
    error: "error",
    bad_config: "settings",
    no_token: "no token: use --token, --token-file, TRAM_ENROLL_TOKEN or TRAM_ENROLL_TOKEN_FILE",
    enrolled: "Enrolled with",
    enrolled_waits: "This machine is already known under another agent: an administrator has to accept this one. Reports \
                     are kept until then",
    check_enrolled: "The settings and the state directory are right; this host is enrolled",
    check_not_enrolled: "The settings and the state directory are right; this host is not enrolled yet",
};

const VIETNAMESE: Texts = Texts {
    language: Language::Vietnamese,
    about: "Đo máy này và báo cáo về trung tâm Trạm",
    template: "{about}\n\nCách dùng: {usage}\n\n{all-args}",
    template_with_commands: "{about}\n\nCách dùng: {usage}\n\nLệnh:\n{subcommands}\n\nTùy chọn:\n{options}\n\n{after-help}",
    options: "Tùy chọn",
    help: "In trợ giúp",
    version: "In phiên bản",
    config: "Tệp cấu hình [mặc định: /etc/tram/agent.toml]",
    lang: "Ngôn ngữ: vi hoặc en [mặc định: theo LANG]",
    paths: "--path.TÊN ĐƯỜNG_DẪN đọc một nguồn ở nơi khác, hoặc chạy chương trình khác thay nó:",
    enroll: "Ghi danh máy này với một trung tâm",
    collector: "Địa chỉ của trung tâm",
    token: "Mã do `tram-collector enrollment create` cấp; hoặc TRAM_ENROLL_TOKEN, TRAM_ENROLL_TOKEN_FILE",
    token_file: "Tệp chứa mã",
    run: "Chạy cho đến khi được dừng",
    once: "Đọc mọi thứ một lần và in ra JSON; không cần ghi danh",
    only: "Chỉ những cảm biến này; `reachability` là thang kết nối",
    gather: "Chạy các chương trình đọc phần cứng và giữ câu trả lời cho tác tử không được chạy chúng; do tram-hardware gọi",
    output: "Thư mục chứa câu trả lời, phải có sẵn [mặc định: /run/tram-hardware]",
    check: "Kiểm tra cấu hình và danh tính",
    status: "Cho biết tình trạng bằng lời",
    show_payload: "In đúng những byte sẽ gửi đi lần tới",
    raw: "Như khi gửi đi, đã nén; nếu không, in JSON chứa trong đó",
    payload_next: "Lần tới sẽ gửi đi, qua TLS:",
    payload_fresh: "Không có gì chờ gửi. Điều vừa đo sẽ được gửi đi như sau, qua TLS (tác tử đang chạy còn thêm kết quả thử \
                    kết nối):",
    payload_not_enrolled: "Máy này chưa ghi danh: chưa có mã và chưa có nơi gửi. Điều vừa đo sẽ được gửi đi như sau, qua TLS:",
    payload_bytes: "byte gửi đi; JSON trong đó có",
    error: "lỗi",
    bad_config: "cấu hình",
    no_token: "thiếu mã: dùng --token, --token-file, TRAM_ENROLL_TOKEN hoặc TRAM_ENROLL_TOKEN_FILE",
    enrolled: "Đã ghi danh với",
    enrolled_waits: "Máy này đã được biết dưới một tác tử khác: quản trị viên phải duyệt tác tử mới. Báo cáo được giữ lại \
                     cho đến lúc đó",
    check_enrolled: "Cấu hình và thư mục trạng thái đều ổn; máy này đã ghi danh",
    check_not_enrolled: "Cấu hình và thư mục trạng thái đều ổn; máy này chưa ghi danh",
};
