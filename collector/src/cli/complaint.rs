//! What the command line complains about, in the language of whoever reads it.

use crate::api::error::ApiError;
use crate::model::line::LineFault;
use crate::model::text::{Language, Text};
use crate::store::StoreError;
use std::fmt;

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    /// Why, in both languages.
    pub(super) text: Text,
    /// The caller can put it right by asking otherwise.
    pub(super) is_usage: bool,
}

impl Complaint {
    /// Something that was asked for and cannot be.
    pub(super) fn usage(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { text: Text { vi: vi.into(), en: en.into() }, is_usage: true }
    }

    /// Something that went wrong.
    pub(super) fn failure(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { text: Text { vi: vi.into(), en: en.into() }, is_usage: false }
    }

    /// The complaint in one language.
    pub(super) fn say(&self, language: Language) -> &str {
        self.text.say(language)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text.en)
    }
}

impl std::error::Error for Complaint {}

impl From<StoreError> for Complaint {
    fn from(error: StoreError) -> Self {
        let cause = match &error {
            StoreError::Database(_) | StoreError::Busy | StoreError::Closed => format!(" ({error})"),
            StoreError::Missing(_)
            | StoreError::Stale(_)
            | StoreError::Conflict(_)
            | StoreError::Newer { .. } => String::new(),
        };
        let text = ApiError::from(error).problem().text;
        Self::failure(text.vi + &cause, text.en + &cause)
    }
}

/// A text that was typed for an argument and is not taken.
pub(super) fn line(argument: &str) -> impl Fn(LineFault) -> Complaint + '_ {
    move |fault| Complaint { text: fault.text(argument), is_usage: true }
}
