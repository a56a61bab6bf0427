//! What alerts and work orders say to people, in every language of the product at once.
//!
//! Owns the bundles made of `locales/*/alerts.ftl` and how figures are written in each language. Must not know who
//! reads it. Names that come from hosts are shown, never interpreted: what could reorder or break a line is left out.

use crate::health::{BuiltIn, component};
use crate::model::alert::{Figures, RuleId, Severity};
use crate::model::component::Component;
use crate::model::text::{Language, Text};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use std::sync::LazyLock;

mod figure;
pub mod part;
#[cfg(test)]
mod tests;

/// Everything that is said about one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertText {
    /// What is wrong, in a few words.
    pub title: Text,
    /// With its figures.
    pub detail: Text,
    /// What to do.
    pub action: Text,
    /// Where the threshold comes from.
    pub source: Text,
}

/// The texts of an alert, or of a work order that is due because of one. `component` is the part that it is about, where
/// that is known.
pub fn alert(
    rule: RuleId,
    part: &str,
    figures: &Figures,
    severity: Severity,
    component: Option<&Component>,
) -> AlertText {
    let vi = BUNDLES.vi.alert(rule, part, figures, severity, component);
    let en = BUNDLES.en.alert(rule, part, figures, severity, component);
    let text = |vi, en| Text { vi, en };
    AlertText {
        title: text(vi.title, en.title),
        detail: text(vi.detail, en.detail),
        action: text(vi.action, en.action),
        source: text(vi.source, en.source),
    }
}

struct Spoken {
    title: String,
    detail: String,
    action: String,
    source: String,
}

struct Bundles {
    vi: Bundle,
    en: Bundle,
}

static BUNDLES: LazyLock<Bundles> = LazyLock::new(|| Bundles {
    vi: Bundle::new(Language::Vi, include_str!("../locales/vi/alerts.ftl")),
    en: Bundle::new(Language::En, include_str!("../locales/en/alerts.ftl")),
});

/// The texts of one language.
struct Bundle {
    language: Language,
    fluent: FluentBundle<FluentResource>,
}

impl Bundle {
    fn new(language: Language, source: &str) -> Self {
        let word = match language {
            Language::Vi => "vi",
            Language::En => "en",
        };
        let mut fluent = FluentBundle::new_concurrent(vec![word.parse().unwrap_or_default()]);
        // The isolation marks would end up in files and e-mails; names are made safe one by one instead.
        fluent.set_use_isolating(false);
        // A mistake in a file leaves out the message it is in; a test makes sure that there is none.
        let resource =
            FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _mistakes)| resource);
        let added = fluent.add_resource(resource);
        debug_assert!(added.is_ok(), "a message is there twice: {added:?}");
        Self { language, fluent }
    }

    fn alert(
        &self,
        rule: RuleId,
        part: &str,
        figures: &Figures,
        severity: Severity,
        about: Option<&Component>,
    ) -> Spoken {
        let mut arguments = figure::arguments(self.language, figures, &|id| self.say(id, None, None));
        let (kind, part) = if is_of_component(rule) { component::kind_and_name(part) } else { ("", part) };
        arguments.set("kind", kind.to_owned());
        let part = shown(about.map_or(part, part::label));
        let part = if part.is_empty() { self.say("part-unnamed", None, None) } else { part };
        arguments.set("part", part);
        arguments.set("severity", severity.as_str());
        let say = |attribute| self.say(rule.0, Some(attribute), Some(&arguments));
        let mut detail = say("detail");
        if let Some(about) = about {
            detail += &self.about(about);
        }
        for (figure, id) in
            [(crate::alert::GONE, "resolved-gone"), (crate::alert::DISABLED, "resolved-disabled")]
        {
            if figures.contains_key(figure) {
                detail = format!("{detail} {}", self.say(id, None, Some(&arguments)));
            }
        }
        Spoken { title: say("title"), detail, action: say("action"), source: say("source") }
    }

    /// One message or attribute; its own name where the file lacks it.
    fn say(&self, id: &str, attribute: Option<&str>, arguments: Option<&FluentArgs<'_>>) -> String {
        let message = self.fluent.get_message(id);
        let pattern = message.and_then(|message| match attribute {
            Some(attribute) => message.get_attribute(attribute).map(|found| found.value()),
            None => message.value(),
        });
        let Some(pattern) = pattern else { return id.to_owned() };
        let mut errors = vec![];
        let text = self.fluent.format_pattern(pattern, arguments, &mut errors);
        debug_assert!(errors.is_empty(), "{id} {attribute:?}: {errors:?}");
        text.into_owned()
    }
}

fn is_of_component(rule: RuleId) -> bool {
    [BuiltIn::ComponentHealth.id(), BuiltIn::ComponentMissing.id()].contains(&rule)
}

/// Characters of a part's name that are shown.
const PART_CHARACTERS_MAX: usize = 120;

/// A name from a host as it can stand in a sentence: one line, of bounded length, without marks that turn the text
/// around it.
fn shown(name: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut letters =
        name.chars().filter(|letter| !letter.is_control() && !turns(*letter) && *letter != '\u{2028}');
    let mut shown: String = letters.by_ref().take(PART_CHARACTERS_MAX).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}
