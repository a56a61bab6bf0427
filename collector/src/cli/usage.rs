//! What is wrong with the arguments, in Vietnamese. The English is the parser's own.

use clap::error::{ContextKind, ErrorKind};
use std::error::Error as _;

/// What is wrong with the arguments; none where the parser answers with a text that is already translated: the help.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's kinds are open, and most never come up here"
)]
pub(super) fn in_vietnamese(error: &clap::Error) -> Option<String> {
    let of = |kind| error.get(kind).map(ToString::to_string).unwrap_or_default();
    let (argument, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    let words = match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        ErrorKind::InvalidSubcommand => format!("không có lệnh '{}'", of(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingSubcommand => "thiếu tên lệnh".to_owned(),
        ErrorKind::UnknownArgument => format!("không có tùy chọn hay đối số '{argument}'"),
        ErrorKind::MissingRequiredArgument => format!("thiếu {argument}"),
        ErrorKind::InvalidValue if value.is_empty() => format!("'{argument}' cần một giá trị"),
        ErrorKind::InvalidValue => format!("giá trị '{value}' của '{argument}' không hợp lệ"),
        ErrorKind::ValueValidation => {
            let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
            format!("giá trị '{value}' của '{argument}' không hợp lệ{why}")
        }
        ErrorKind::ArgumentConflict if argument == of(ContextKind::PriorArg) => {
            format!("'{argument}' bị viết nhiều lần")
        }
        ErrorKind::ArgumentConflict => {
            format!("'{argument}' không dùng được cùng '{}'", of(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues => format!("'{argument}' không nhận thêm giá trị '{value}'"),
        ErrorKind::InvalidUtf8 => "có đối số không phải là UTF-8".to_owned(),
        kind => format!("không hiểu dòng lệnh: {kind}"),
    };
    let known = of(ContextKind::ValidValue);
    let known = if known.is_empty() { known } else { format!("; các giá trị có: {known}") };
    let mut usage = of(ContextKind::Usage);
    for (english, vietnamese) in
        [("Usage:", "\n\nCách dùng:"), ("[OPTIONS]", "[TÙY CHỌN]"), ("<COMMAND>", "<LỆNH>")]
    {
        usage = usage.replace(english, vietnamese);
    }
    Some(format!("{words}{known}{usage}\n\nXem thêm: tram-collector --help"))
}

#[cfg(test)]
mod tests {
    use super::super::{Arguments, help};
    use super::*;
    use crate::model::text::Language;
    use clap::{CommandFactory as _, FromArgMatches as _};

    fn complaint(line: &str) -> Option<String> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        let command = help::translate(Arguments::command(), Language::Vi);
        let matches = command.try_get_matches_from(["tram-collector"].into_iter().chain(words));
        let error = matches.and_then(|matches| Arguments::from_arg_matches(&matches)).unwrap_err();
        in_vietnamese(&error)
    }

    #[test]
    fn mistakes_in_the_arguments_are_said_in_vietnamese() {
        for (line, expected) in [
            ("serve --colour", "không có tùy chọn hay đối số '--colour'"),
            ("sevre", "không có lệnh 'sevre'"),
            ("sevre", "Cách dùng: tram-collector [TÙY CHỌN] <LỆNH>"),
            ("serve --lang", "'--lang <vi|en>' cần một giá trị"),
            ("serve --lang fr", "giá trị 'fr' của '--lang <vi|en>' không hợp lệ"),
            ("serve --lang fr", "các giá trị có: vi, en"),
            ("token create", "thiếu --role <ROLE>"),
            ("enrollment create --agency A --site S --uses x", "giá trị 'x' của '--uses <USES>'"),
            ("serve --config a --config b", "'--config <FILE>' bị viết nhiều lần"),
            ("serve extra", "'extra'"),
        ] {
            let said = complaint(line).unwrap();
            assert!(said.contains(expected), "{line}: {said}");
            assert!(said.contains("Xem thêm: tram-collector --help"), "{line}: {said}");
            for english in ["error:", "Usage", "required", "invalid value", "possible", "OPTIONS"] {
                assert!(!said.contains(english), "{line}: {said}");
            }
        }
    }

    #[test]
    fn the_help_and_the_version_are_no_mistakes() {
        for line in ["--help", "--version", "user --help", "", "user"] {
            assert_eq!(complaint(line), None, "{line}");
        }
    }
}
