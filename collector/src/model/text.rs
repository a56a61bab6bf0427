//! Text for people, in every language of the product at once: none is ever missing.

pub mod parser;

/// The languages that every text exists in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Vietnamese.
    Vi,
    /// English.
    En,
}

/// One text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// In Vietnamese.
    pub vi: String,
    /// In English.
    pub en: String,
}

impl Text {
    /// A text of its two halves.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }

    /// The text in one language.
    pub fn say(&self, language: Language) -> &str {
        match language {
            Language::Vi => &self.vi,
            Language::En => &self.en,
        }
    }
}

/// A text that never changes, in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// In Vietnamese.
    pub vi: &'static str,
    /// In English.
    pub en: &'static str,
}

impl From<Words> for Text {
    fn from(words: Words) -> Self {
        Self::new(words.vi, words.en)
    }
}
