//! What is said of one part: its reasons, what it is, and the figures that a technician wants, in one language each.

use super::{Bundle, figure, shown};
use crate::model::component::Component;
use crate::model::text::{Language, Text};
use fluent_bundle::FluentArgs;
use tram_proto::phrase::{self, Said};

/// Figures that come first, in this order.
const FIRST: &[&str] = &[
    "size_bytes",
    "capacity_bytes",
    "power_on_hours",
    "reallocated_sectors",
    "pending_sectors",
    "offline_uncorrectable_sectors",
    "uncorrected_errors",
    "wear_used_percent",
    "media_errors",
    "temperature_celsius",
    "rebuild_progress_ratio",
];
/// Figures that say what a part is rather than how it is.
const LEFT_OUT: &[&str] =
    &["rotational", "removable", "external", "sector_size_bytes", "rotation_rpm", "drive_group", "mtu_bytes"];
/// Figures that are told.
const FIGURES_MAX: usize = 10;

/// A reason in both languages.
pub fn reason(reason: &str) -> Text {
    let said = phrase::read(&shown(reason));
    Text { vi: said.vi, en: said.en }
}

/// A part's figures in both languages; empty where it has none worth telling.
pub fn figures(part: &Component) -> Text {
    let bundles = &*super::BUNDLES;
    Text { vi: bundles.vi.figures(part), en: bundles.en.figures(part) }
}

/// What people call a part: by its name, else by its id.
pub(super) fn label(part: &Component) -> &str {
    if part.name.is_empty() { &part.id } else { &part.name }
}

impl Bundle {
    /// Sentences about a part, each beginning with a space.
    pub(super) fn about(&self, part: &Component) -> String {
        let reasons: Vec<String> =
            part.reasons.iter().map(|reason| self.one(phrase::read(&shown(reason)))).collect();
        let named = |id: &str, text: &str| {
            let text = shown(text);
            (!text.is_empty()).then(|| self.with(id, text))
        };
        let place = if part.id == label(part) { "" } else { part.id.as_str() };
        let identity =
            [("part-model", part.model.as_str()), ("part-serial", &part.serial), ("part-place", place)];
        let identity: Vec<String> = identity.into_iter().filter_map(|(id, text)| named(id, text)).collect();
        let sentences = [
            ("part-reasons", reasons.join("; ")),
            ("part-identity", identity.join(", ")),
            ("part-figures", self.figures(part)),
        ];
        let told = sentences.into_iter().filter(|(_, text)| !text.is_empty());
        told.map(|(id, text)| format!(" {}", self.with(id, text))).collect()
    }

    fn figures(&self, part: &Component) -> String {
        let first = FIRST.iter().filter_map(|name| part.figures.get_key_value(*name));
        let others = part.figures.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
        let told =
            first.chain(others).filter(|(name, value)| **value != 0.0 && !LEFT_OUT.contains(&name.as_str()));
        let told = told.filter_map(|(name, value)| {
            let label = self.one(phrase::figure(name)?);
            Some(format!("{label} {}", self.value(name, *value)))
        });
        told.take(FIGURES_MAX).collect::<Vec<_>>().join("; ")
    }

    fn value(&self, name: &str, value: f64) -> String {
        let text = figure::written(self.language, name, value, &|id| self.say(id, None, None));
        if name.ends_with("_hours") { self.with("unit-hours", text) } else { text }
    }

    fn with(&self, id: &str, text: String) -> String {
        let mut arguments = FluentArgs::new();
        arguments.set("text", text);
        self.say(id, None, Some(&arguments))
    }

    fn one(&self, said: Said) -> String {
        match self.language {
            Language::Vi => said.vi,
            Language::En => said.en,
        }
    }
}
