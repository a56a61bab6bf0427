//! What one look at a host found: an observation for each rule and part, with the figures that it rests on.

use crate::health::rule::BuiltIn;
use crate::model::alert::{Figures, Severity};
use std::sync::Arc;

/// What a rule's condition says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observation {
    /// It holds, this badly.
    Raise(Severity),
    /// At or below the clear level.
    Clear,
    /// Between the two: whatever was, stays.
    Between,
    /// There was no value: nothing changes.
    Unknown,
    /// The part is no longer there, by the word of the sensor that looks after it.
    Gone,
}

/// Figures without an allocation: most findings change nothing and are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Readings {
    items: [(&'static str, f64); Readings::MAX],
    count: usize,
}

impl Readings {
    /// Figures of one finding at most.
    pub const MAX: usize = 4;

    /// Figures by name; what does not fit or is not a number is left out.
    pub fn new(items: &[(&'static str, f64)]) -> Self {
        let mut readings = Self::default();
        let numbers = items.iter().filter(|(_, value)| value.is_finite());
        for (place, item) in readings.items.iter_mut().zip(numbers) {
            *place = *item;
            readings.count += 1;
        }
        readings
    }

    /// The figures.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.items.iter().take(self.count).copied()
    }

    /// Writes them over an alert's figures.
    pub fn write(&self, figures: &mut Figures) {
        for (name, value) in self.iter() {
            match figures.get_mut(name) {
                Some(figure) => *figure = value,
                None => {
                    figures.insert(name.to_owned(), value);
                }
            }
        }
    }
}

/// One rule's observation of one part.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: BuiltIn,
    /// The part; empty for the asset itself.
    pub part: Arc<str>,
    /// What it says.
    pub observation: Observation,
    /// The value that levels are compared with, where the rule averages.
    pub value: f64,
    /// What it rests on.
    pub readings: Readings,
    /// How long it must hold, where that is not the rule's own hold time.
    pub hold_ms: Option<i64>,
}

/// Everything that one look found.
#[derive(Debug, Default)]
pub struct Findings {
    /// In the order of the rules' evaluation.
    pub list: Vec<Finding>,
    swept: u32,
    whole: Option<Arc<str>>,
}

impl Findings {
    /// Empties it for the next host; its memory stays.
    pub fn clear(&mut self) {
        self.list.clear();
        self.swept = 0;
    }

    /// Notes that every part that is there has a finding of this rule: an alert of another part has lost its part.
    pub(crate) fn sweep(&mut self, rule: BuiltIn) {
        self.swept |= 1 << rule as u32;
    }

    /// Whether a rule's parts are all there.
    pub fn is_swept(&self, rule: BuiltIn) -> bool {
        self.swept & (1 << rule as u32) != 0
    }

    /// A finding of the asset itself.
    pub(crate) fn of_asset(
        &mut self,
        rule: BuiltIn,
        observation: Observation,
        value: f64,
        readings: Readings,
    ) {
        let part = self.whole.get_or_insert_with(|| Arc::from("")).clone();
        self.list.push(Finding { rule, part, observation, value, readings, hold_ms: None });
    }

    /// Gives the finding made last a hold time of its own.
    pub(crate) fn hold(&mut self, hold_ms: Option<i64>) {
        if let Some(finding) = self.list.last_mut() {
            finding.hold_ms = hold_ms;
        }
    }

    /// A finding of one part.
    pub(crate) fn of_part(
        &mut self,
        rule: BuiltIn,
        part: &Arc<str>,
        observation: Observation,
        value: f64,
        readings: Readings,
    ) {
        self.list.push(Finding { rule, part: part.clone(), observation, value, readings, hold_ms: None });
    }
}
