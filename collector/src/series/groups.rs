//! Which columns add up to something that moves little: used and free memory, the shares of processor time.
//!
//! Pure. OpenTelemetry names such columns alike and tells them apart by one attribute. It must not know what is done
//! with a group.

use crate::model::catalogue::{Attributes, Catalogue, Column, Kind};
use std::collections::BTreeMap;

/// Columns of one group at most.
const GROUP_MAX: usize = 64;

/// The places of each group's columns: levels of one name, unit and scale whose attributes differ in one key only.
pub fn of(catalogue: &Catalogue) -> Vec<Vec<usize>> {
    let mut alike: BTreeMap<(&str, &str, u8), Vec<usize>> = BTreeMap::new();
    for (place, column) in catalogue.columns.iter().enumerate() {
        if column.kind == Kind::Gauge && !column.attributes.is_empty() {
            alike.entry((&column.name, &column.unit, column.scale)).or_default().push(place);
        }
    }
    let mut groups = Vec::new();
    for places in alike.into_values().filter(|places| places.len() > 1) {
        if let Some(key) = telling_key(catalogue, &places) {
            let mut by_rest: BTreeMap<Attributes, Vec<usize>> = BTreeMap::new();
            for place in places {
                let Some(column) = catalogue.columns.get(place) else { continue };
                by_rest.entry(without(column, &key)).or_default().push(place);
            }
            groups.extend(by_rest.into_values().filter(|group| (2..=GROUP_MAX).contains(&group.len())));
        }
    }
    groups
}

/// The attribute whose removal leaves the fewest distinct columns: `state`, where there are several mount points.
fn telling_key(catalogue: &Catalogue, places: &[usize]) -> Option<String> {
    let columns = || places.iter().filter_map(|place| catalogue.columns.get(*place));
    let left = |key: &String| {
        let rests: std::collections::BTreeSet<Attributes> =
            columns().map(|column| without(column, key)).collect();
        // Values that only ever come once name things, such as disks, whose sum means nothing.
        (rests.len(), !key.ends_with(".state") && !key.ends_with(".mode"))
    };
    columns().next()?.attributes.keys().min_by_key(|key| left(key)).cloned()
}

fn without(column: &Column, key: &str) -> Attributes {
    column.attributes.iter().filter(|(name, _)| *name != key).map(|(k, v)| (k.clone(), v.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalogue::CatalogueId;

    fn column(name: &str, attributes: &[(&str, &str)], kind: Kind) -> Column {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Column { name: name.into(), attributes, unit: "By".into(), scale: 0, kind }
    }

    #[test]
    fn states_of_one_thing_are_a_group_and_different_things_are_none() {
        let columns = vec![
            column("fs", &[("mountpoint", "/"), ("fs.state", "used")], Kind::Gauge),
            column("fs", &[("mountpoint", "/"), ("fs.state", "free")], Kind::Gauge),
            column("fs", &[("mountpoint", "/data"), ("fs.state", "used")], Kind::Gauge),
            column("fs", &[("mountpoint", "/data"), ("fs.state", "free")], Kind::Gauge),
            column("io", &[("direction", "read")], Kind::Counter),
            column("io", &[("direction", "write")], Kind::Counter),
            column("load", &[], Kind::Gauge),
            column("temperature", &[("hw.id", "a")], Kind::Gauge),
        ];
        let resource = Attributes::new();
        let catalogue = Catalogue { id: CatalogueId([0; 16]), resource, columns: columns.into() };
        assert_eq!(of(&catalogue), [vec![0, 1], vec![2, 3]]);
    }
}
