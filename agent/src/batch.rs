//! Makes reports: samples, components and a moment become a catalogue and an array of numbers, within the wire's
//! limits. Pure; remembers what it made last so that an unchanged list of columns costs no hashing.

use crate::sample::Sample;
use crate::tree::{attributes, tree};
use std::collections::BTreeSet;
use tram_proto::catalogue::{Attributes, Catalogue, Column};
use tram_proto::component::{self, Component};
use tram_proto::id::{CatalogueId, SetDigest};
use tram_proto::limits;
use tram_proto::report::{End, Moment, Report};

/// Column lists that are remembered: what a host measures changes rarely, and mostly back to what it was. Each takes some
/// 70 kB.
const REMEMBERED_MAX: usize = 2;
/// Bytes that one catalogue may have, so that it and its reports fit one batch.
const CATALOGUE_BYTES_MAX: usize = limits::DECODED_BYTES_MAX / 8;

/// Makes reports of one host.
#[derive(Debug)]
pub struct Assembler {
    resource: Attributes,
    /// Most recently used last.
    remembered: Vec<Layout>,
    set: Option<(Vec<Component>, SetDigest)>,
    wants_components: bool,
}

/// A list of columns and what became of it.
#[derive(Debug)]
struct Layout {
    /// Columns that have no place in the catalogue, in their order.
    left_out: Vec<Column>,
    /// Whether the sample at each place has a place in the catalogue.
    kept: Vec<bool>,
    catalogue: Catalogue,
    id: CatalogueId,
}

impl Assembler {
    /// For a host of which `resource` is known; too much or too long is left out.
    pub fn new(resource: Attributes) -> Self {
        let sound = |(key, value): &(String, String)| {
            (1..=limits::NAME_BYTES_MAX).contains(&key.len()) && value.len() <= limits::TEXT_BYTES_MAX
        };
        let resource = attributes(resource.into_iter().filter(sound).take(limits::ATTRIBUTES_MAX));
        Self { resource, remembered: Vec::new(), set: None, wants_components: true }
    }

    /// The next report carries the whole component set.
    pub fn ask_components(&mut self) {
        self.wants_components = true;
    }

    /// Makes a report, and the catalogue that it names. Samples that no catalogue can hold are left out, values that
    /// no number can hold are null.
    pub fn assemble(
        &mut self,
        samples: &[Sample],
        components: &[Component],
        end: Option<End>,
        moment: Moment,
    ) -> (Report, CatalogueId, &Catalogue) {
        let (set, components) = self.components(components);
        let layout = self.layout(samples);
        let kept = samples.iter().zip(&layout.kept).filter_map(|(sample, kept)| kept.then_some(sample));
        let values = kept.map(|sample| sample.value.and_then(|value| sample.column.scaled(value))).collect();
        let Moment { boot, boot_ms, wall_ms } = moment;
        let report = Report {
            boot,
            boot_ms,
            wall_ms,
            catalogue: layout.id,
            values,
            set,
            components,
            end,
            aggregate: None,
        };
        (report, layout.id, &layout.catalogue)
    }

    fn layout(&mut self, samples: &[Sample]) -> &Layout {
        let layout = match self.remembered.iter().position(|layout| layout.is_of(samples)) {
            Some(place) => self.remembered.remove(place),
            None => Layout::new(&self.resource, samples),
        };
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.remove(0);
        }
        self.remembered.push_mut(layout)
    }

    /// The set's digest, and the set itself when it has to travel.
    fn components(&mut self, components: &[Component]) -> (SetDigest, Option<Vec<Component>>) {
        let known = self.set.as_ref().filter(|(known, _)| known == components).map(|(_, digest)| *digest);
        if let Some(digest) = known {
            let asked = std::mem::take(&mut self.wants_components);
            return (digest, asked.then(|| self.sent_set()));
        }
        let sound = sound_components(components);
        let digest = component::digest(&sound);
        let changed = self.set.as_ref().is_none_or(|(_, known)| *known != digest);
        let asked = std::mem::take(&mut self.wants_components);
        self.set = Some((components.to_vec(), digest));
        (digest, (changed || asked).then_some(sound))
    }

    fn sent_set(&self) -> Vec<Component> {
        self.set.as_ref().map(|(components, _)| sound_components(components)).unwrap_or_default()
    }
}

impl Layout {
    fn new(resource: &Attributes, samples: &[Sample]) -> Self {
        let mut taken = BTreeSet::new();
        let mut catalogue = Catalogue { resource: resource.clone(), columns: Vec::new() };
        let mut bytes = catalogue.canonical_bytes().len();
        let mut kept = Vec::with_capacity(samples.len());
        let mut left_out = Vec::new();
        for Sample { column, .. } in samples {
            let alone = Catalogue { resource: Attributes::new(), columns: vec![column.clone()] };
            let column_bytes = alone.canonical_bytes().len();
            let fits =
                catalogue.columns.len() < limits::COLUMNS_MAX && bytes + column_bytes <= CATALOGUE_BYTES_MAX;
            let keep = fits && alone.check().is_ok() && taken.insert((&column.name, &column.attributes));
            kept.push(keep);
            if keep {
                bytes += column_bytes;
                catalogue.columns.push(column.clone());
            } else {
                left_out.push(column.clone());
            }
        }
        if !left_out.is_empty() {
            tracing::warn!(
                left_out = left_out.len(),
                "samples with names that are too long, or taken, are left out"
            );
        }
        catalogue.columns.shrink_to_fit();
        Self { left_out, kept, id: catalogue.id(), catalogue }
    }

    /// Whether these samples have just these columns, in this order.
    fn is_of(&self, samples: &[Sample]) -> bool {
        let (mut placed, mut left_out) = (self.catalogue.columns.iter(), self.left_out.iter());
        let mut next = |kept: bool| if kept { placed.next() } else { left_out.next() };
        self.kept.len() == samples.len()
            && self.kept.iter().zip(samples).all(|(kept, sample)| next(*kept) == Some(&sample.column))
    }
}

/// What of a set keeps the wire's bounds, each part once, in a stable order.
fn sound_components(components: &[Component]) -> Vec<Component> {
    let mut sound: Vec<Component> = Vec::new();
    let mut taken = BTreeSet::new();
    for component in components {
        let finite = component.figures.iter().filter(|(_, value)| value.is_finite());
        let trimmed = Component {
            reasons: component.reasons.iter().take(limits::REASONS_MAX).cloned().collect(),
            figures: tree(finite.take(limits::FIGURES_MAX).map(|(key, value)| (key.clone(), *value))),
            ..component.clone()
        };
        let is_new = taken.insert((&component.kind, &component.id));
        if is_new
            && sound.len() < limits::COMPONENTS_MAX
            && component::check(std::slice::from_ref(&trimmed)).is_ok()
        {
            sound.push(trimmed);
        }
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tram_proto::catalogue::Kind;
    use tram_proto::component::State;
    use tram_proto::id::BootId;

    const MOMENT: Moment = Moment { boot: BootId([1; 8]), boot_ms: 5, wall_ms: 6 };

    fn sample(name: &str, value: Option<f64>) -> Sample {
        let name = name.to_owned();
        let column =
            Column { name, attributes: Attributes::new(), unit: "1".into(), scale: 2, kind: Kind::Gauge };
        Sample { column, value }
    }

    fn disk(id: &str) -> Component {
        Component {
            kind: "physical_disk".into(),
            id: id.into(),
            name: String::new(),
            model: String::new(),
            serial: String::new(),
            state: State::Ok,
            reasons: vec![],
            figures: BTreeMap::from([("life".to_owned(), f64::NAN)]),
        }
    }

    #[test]
    fn what_cannot_be_sent_is_left_out_and_the_rest_is_a_valid_report() {
        let mut assembler = Assembler::new(Attributes::new());
        let samples = [
            sample("a", Some(1.5)),
            sample(&"x".repeat(10_000), Some(1.0)),
            sample("b", Some(f64::NAN)),
            sample("a", Some(3.0)),
            sample("c", None),
        ];
        let (report, id, catalogue) = assembler.assemble(&samples, &[disk("sda"), disk("sda")], None, MOMENT);
        assert_eq!(report.values, [Some(150), None, None]);
        assert_eq!(catalogue.check(), Ok(()));
        assert_eq!(catalogue.id(), id);
        assert_eq!(Report::decode(&report.encode()).unwrap(), report);
        // The same list is known again, one that differs in what is left out is not.
        assembler.assemble(&samples, &[], None, MOMENT);
        assert_eq!(assembler.remembered.len(), 1);
        let mut others = samples;
        others[1] = sample(&"y".repeat(10_000), Some(1.0));
        assembler.assemble(&others, &[], None, MOMENT);
        assert_eq!(assembler.remembered.len(), 2);
    }

    #[test]
    fn components_travel_when_they_change_or_are_asked_for() {
        let mut assembler = Assembler::new(Attributes::new());
        let travels = |assembler: &mut Assembler, components: &[Component]| {
            let (report, _, _) = assembler.assemble(&[], components, None, MOMENT);
            let sent = report.components.as_deref().map(component::digest);
            assert!(sent.is_none_or(|digest| digest == report.set));
            sent.is_some()
        };
        assert!(travels(&mut assembler, &[disk("sda")]));
        assert!(!travels(&mut assembler, &[disk("sda")]));
        assert!(travels(&mut assembler, &[disk("sdb")]));
        assert!(!travels(&mut assembler, &[disk("sdb")]));
        assembler.ask_components();
        assert!(travels(&mut assembler, &[disk("sdb")]));
    }

    #[test]
    fn column_lists_that_alternate_are_remembered() {
        let mut assembler = Assembler::new(Attributes::new());
        let (short, long) = ([sample("a", None)], [sample("a", None), sample("b", None)]);
        for _ in 0..3 {
            assembler.assemble(&short, &[], None, MOMENT);
            assembler.assemble(&long, &[], None, MOMENT);
        }
        assert_eq!(assembler.remembered.len(), 2);
    }
}
