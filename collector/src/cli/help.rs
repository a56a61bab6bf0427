//! The command line's help in Vietnamese. The English texts are those beside the arguments themselves.

use crate::model::text::Language;
use clap::{Arg, ArgAction, Command};
use std::ffi::OsString;

/// English to Vietnamese; a test makes sure that no text lacks.
const VIETNAMESE: &[(&str, &str)] = &[
    (
        "Trạm's collector: takes the agents' reports, decides what needs care, shows it",
        "Trung tâm của Trạm: nhận báo cáo của các tác tử, xét xem thiết bị nào cần chăm sóc, và hiển thị",
    ),
    (
        "The configuration; without it /etc/tram/collector.toml where that exists",
        "Tệp cấu hình; nếu không có thì dùng /etc/tram/collector.toml nếu tồn tại",
    ),
    (
        "The language of what is printed; without it that of the locale",
        "Ngôn ngữ hiển thị; nếu không có thì theo hệ thống",
    ),
    ("Runs the collector until it is told to stop", "Chạy trung tâm đến khi được lệnh dừng"),
    (
        "Reads the configuration and the rules, says what is wrong with them, and does nothing else",
        "Đọc cấu hình và bộ quy tắc, báo chỗ sai, ngoài ra không làm gì",
    ),
    (
        "Makes a backup of everything, encrypted, beside a running collector, and checks it; or checks one",
        "Sao lưu toàn bộ dữ liệu, có mã hóa, khi trung tâm vẫn chạy, rồi kiểm tra; hoặc chỉ kiểm tra một bản đã có",
    ),
    ("Puts a backup into an empty data folder", "Khôi phục một bản sao lưu vào thư mục dữ liệu trống"),
    (
        "The backup's file; or a folder, in which it is named after the time",
        "Tệp sao lưu; hoặc một thư mục, khi đó tên tệp đặt theo thời gian",
    ),
    ("Checks a backup that is there instead of making one", "Kiểm tra một bản sao lưu đã có thay vì tạo mới"),
    (
        "In a folder: deletes all but so many of the newest backups, once the new one is made and checked",
        "Với thư mục: xóa các bản cũ, chỉ giữ chừng này bản mới nhất, sau khi bản mới đã tạo và kiểm tra xong",
    ),
    (
        "A file with the passphrase; without it TRAM_BACKUP_PASSPHRASE or the keyboard",
        "Tệp chứa mật khẩu sao lưu; nếu không có thì lấy TRAM_BACKUP_PASSPHRASE hoặc bàn phím",
    ),
    ("The backup's file", "Tệp sao lưu"),
    ("Tokens that let agents in", "Mã ghi danh cho tác tử"),
    ("The agents", "Các tác tử"),
    ("People who sign in", "Người dùng đăng nhập"),
    ("Tokens for programs", "Mã truy cập cho chương trình"),
    (
        "Makes a token that lets machines of one site in, and prints the line that installs an agent there",
        "Tạo mã ghi danh cho các máy của một địa điểm, và in dòng lệnh cài tác tử",
    ),
    (
        "The agency as a path from the root, such as \"Province/District/Commune\"; made where absent",
        "Cơ quan, viết đường dẫn từ gốc, ví dụ \"Tỉnh/Huyện/Xã\"; tạo mới nếu chưa có",
    ),
    (
        "The site's name within the agency; made where absent",
        "Tên địa điểm trong cơ quan; tạo mới nếu chưa có",
    ),
    ("How many machines may use it; 1, unless told", "Số máy được dùng mã; mặc định là 1"),
    (
        "For how long it is valid, such as 30m or 7d; 24h, unless told",
        "Thời hạn, ví dụ 30m hoặc 7d; mặc định là 24h",
    ),
    (
        "Lists the agents: id, state, asset, version, end of the certificate",
        "Liệt kê các tác tử: mã, trạng thái, thiết bị, phiên bản, hạn chứng thư",
    ),
    (
        "Only those of this agency and below, as a path from the root",
        "Chỉ của cơ quan này và cấp dưới, viết đường dẫn từ gốc",
    ),
    (
        "Accepts an agent that waits; where its machine was known under another, that one is revoked",
        "Duyệt một tác tử đang chờ; nếu máy đã được biết dưới tác tử khác thì tác tử đó bị thu hồi",
    ),
    (
        "Revokes an agent, for ever: from its next request on it is refused",
        "Thu hồi một tác tử, vĩnh viễn: từ yêu cầu kế tiếp nó bị từ chối",
    ),
    (
        "The agent's id: 32 hexadecimal digits, as `agent list` shows it",
        "Mã tác tử: 32 chữ số thập lục phân, xem bằng `agent list`",
    ),
    ("What is asked of agents", "Chính sách cho các tác tử"),
    (
        "Shows what is asked at a place: of everyone, of an agency and all below it, or of a site",
        "Xem chính sách của một nơi: của tất cả, của một cơ quan và cấp dưới, hoặc của một địa điểm",
    ),
    (
        "Puts what a TOML file asks in the place of what was asked there; an empty file asks nothing",
        "Đặt chính sách theo một tệp TOML, thay cho chính sách đang có ở nơi đó; tệp trống là không yêu cầu gì",
    ),
    (
        "The file; every field is in deploy/examples/policy.toml",
        "Tệp chính sách; mọi mục có trong deploy/examples/policy.toml",
    ),
    (
        "The agency as a path from the root; without it every agent is meant",
        "Cơ quan, viết đường dẫn từ gốc; nếu không có thì áp dụng cho mọi tác tử",
    ),
    ("The site's name within the agency", "Tên địa điểm trong cơ quan"),
    ("The sites and what their uplinks can bear", "Các địa điểm và sức chịu của đường truyền"),
    (
        "Lists the sites: id, name, bytes a minute that history may take of the uplink",
        "Liệt kê các địa điểm: số, tên, số byte dữ liệu cũ được gửi mỗi phút",
    ),
    (
        "Sets what a site's uplink can bear; what is not named stays",
        "Đặt sức chịu của đường truyền một địa điểm; mục không ghi thì giữ nguyên",
    ),
    ("The agency as a path from the root", "Cơ quan, viết đường dẫn từ gốc"),
    (
        "Bytes a minute that all agents of the site together may send of history: a number from 4096, 0 for nothing, or \
         `none` for no bound. Current state always goes",
        "Số byte dữ liệu cũ mà mọi tác tử của địa điểm cùng được gửi mỗi phút: từ 4096, 0 là không gửi, `none` là không \
         giới hạn. Tình trạng hiện tại luôn được gửi",
    ),
    ("Adds someone who may sign in", "Thêm người được đăng nhập"),
    (
        "Gives someone a new password and ends their sessions",
        "Đặt mật khẩu mới và kết thúc các phiên đang mở",
    ),
    ("The name to sign in with", "Tên đăng nhập"),
    (
        "What they may do: viewer, operator or admin",
        "Quyền: viewer (người xem), operator (người vận hành) hoặc admin (quản trị)",
    ),
    (
        "The agency whose part of the tree they see, as a path from the root; everything without it",
        "Cơ quan mà người này được xem, viết đường dẫn từ gốc; nếu không có thì xem tất cả",
    ),
    (
        "A file with the password; without it TRAM_PASSWORD, the keyboard, or one that is made and printed",
        "Tệp chứa mật khẩu; nếu không có thì lấy TRAM_PASSWORD, bàn phím, hoặc tự sinh và in ra",
    ),
    (
        "The language of what they are shown: vi, unless told, or en",
        "Ngôn ngữ hiển thị cho người này: vi (mặc định) hoặc en",
    ),
    (
        "Makes a bearer token for a program that reads or changes things through the API",
        "Tạo mã truy cập cho chương trình đọc hoặc thay đổi dữ liệu qua API",
    ),
    (
        "What its bearer may do: viewer, operator or admin",
        "Quyền: viewer (người xem), operator (người vận hành) hoặc admin (quản trị)",
    ),
    (
        "What it is for, as the audit names it; api, unless told",
        "Dùng cho việc gì, ghi trong nhật ký; mặc định là api",
    ),
    (
        "The agency whose part of the tree its bearer sees, as a path from the root; everything without it",
        "Cơ quan mà mã này được xem, viết đường dẫn từ gốc; nếu không có thì xem tất cả",
    ),
    (
        "For how long it is valid, such as 90d; without it, for ever",
        "Thời hạn, ví dụ 90d; nếu không có thì vô hạn",
    ),
    ("Prints this help", "In phần trợ giúp này"),
    ("Prints the version", "In phiên bản"),
];

const VIETNAMESE_TEMPLATE: &str = "{about-with-newline}\nCách dùng: {usage}\n\n{all-args}";

/// The language that the arguments ask for, before they are understood.
pub(super) fn language(arguments: &[OsString]) -> Option<Language> {
    let mut arguments = arguments.iter().filter_map(|argument| argument.to_str());
    while let Some(argument) = arguments.next() {
        let word = match argument.strip_prefix("--lang") {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        match word {
            Some("vi") => return Some(Language::Vi),
            Some("en") => return Some(Language::En),
            Some(_) | None => {}
        }
    }
    None
}

/// The same commands with their help in a language.
pub(super) fn translate(command: Command, language: Language) -> Command {
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
    let command = command.disable_version_flag(true).arg(version.help("Prints the version"));
    each(command, language)
}

fn each(command: Command, language: Language) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Prints this help");
    let command = command.disable_help_flag(true).disable_help_subcommand(true).arg(help);
    // Values and defaults are in the texts, so that they are in both languages.
    let plain = |arg: Arg| match arg.get_action().takes_values() {
        true => arg.hide_possible_values(true).hide_default_value(true).hide_env(true),
        false => arg,
    };
    let command = command.mut_args(plain).mut_subcommands(|inner| each(inner, language));
    match language {
        Language::En => command,
        Language::Vi => in_vietnamese(command),
    }
}

fn in_vietnamese(command: Command) -> Command {
    let about = command.get_about().map(|about| vietnamese(&about.to_string()));
    let command = command.help_template(VIETNAMESE_TEMPLATE).subcommand_help_heading("Lệnh");
    let command = if let Some(about) = about { command.about(about) } else { command };
    command.mut_args(|arg| {
        let heading = if arg.is_positional() { "Đối số" } else { "Tùy chọn" };
        let help = arg.get_help().map(|help| vietnamese(&help.to_string()));
        let arg = arg.help_heading(heading);
        if let Some(help) = help { arg.help(help) } else { arg }
    })
}

fn vietnamese(english: &str) -> String {
    let found = VIETNAMESE.iter().find(|(text, _)| *text == english);
    found.map_or_else(|| english.to_owned(), |(_, vietnamese)| (*vietnamese).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn texts(command: &Command) -> Vec<String> {
        let args = command.get_arguments().filter_map(|arg| arg.get_help()).map(ToString::to_string);
        let own = command.get_about().map(ToString::to_string).into_iter().chain(args);
        own.chain(command.get_subcommands().flat_map(texts)).collect()
    }

    #[test]
    fn every_text_of_the_help_is_there_in_vietnamese() {
        let english = texts(&translate(super::super::Arguments::command(), Language::En));
        assert!(english.len() > 30, "{}", english.len());
        for text in english {
            assert!(VIETNAMESE.iter().any(|(known, _)| *known == text), "no Vietnamese for: {text}");
        }
    }

    #[test]
    fn the_language_is_found_before_the_arguments_are_read() {
        let of = |line: &str| language(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("tram-collector --lang vi user add"), Some(Language::Vi));
        assert_eq!(of("tram-collector user add --lang=en"), Some(Language::En));
        assert_eq!(of("tram-collector user add --lang xx"), None);
        assert_eq!(of("tram-collector user --language vi"), None);
    }
}
