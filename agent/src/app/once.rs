//! What one look at this host found, as readable JSON.

use crate::sensor::Sample;
use crate::sensor::reach::Reachability;
use crate::sensor::runner::Round;
use crate::tree::tree;
use serde::Serialize;
use std::collections::BTreeMap;
use tram_proto::catalogue::Column;
use tram_proto::component::Component;

/// What `tram-agent once` prints.
#[derive(Debug, Serialize)]
pub struct Once {
    /// Values by name and attributes: `name{key=value,key2=value2}`.
    samples: BTreeMap<String, Option<serde_json::Number>>,
    /// Parts of the host.
    components: Vec<Component>,
    /// The ladder, when it was climbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reachability: Option<Reachability>,
}

impl Once {
    /// From two rounds and a climb. Rates need the second round; what is read less often is in the first alone.
    pub fn new(first: &Round, second: &Round, reachability: Option<Reachability>) -> Self {
        let reached = reachability.as_ref().map(Reachability::samples).unwrap_or_default();
        let mut samples: BTreeMap<_, _> =
            tree(first.samples.iter().map(|sample| (key(&sample.column), number(sample))));
        for sample in second.samples.iter().chain(&reached) {
            let value = samples.entry(key(&sample.column)).or_default();
            *value = number(sample).or_else(|| value.take());
        }
        Self { samples, components: second.components.clone(), reachability }
    }
}

fn key(column: &Column) -> String {
    if column.attributes.is_empty() {
        return column.name.clone();
    }
    let attributes: Vec<String> =
        column.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{}{{{}}}", column.name, attributes.join(","))
}

/// The value as it would be sent, rounded to the column's digits; whole ones without a point.
fn number(sample: &Sample) -> Option<serde_json::Number> {
    let scaled = sample.column.scaled(sample.value?)?;
    if sample.column.scale == 0 {
        return Some(scaled.into());
    }
    serde_json::Number::from_f64(sample.column.unscale(scaled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tram_proto::catalogue::Kind;

    #[test]
    fn samples_are_keyed_by_name_and_attributes() {
        let column = |scale, attributes: &[(&str, &str)]| Column {
            name: "x".into(),
            attributes: attributes.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            unit: "1".into(),
            scale,
            kind: Kind::Gauge,
        };
        let samples = vec![
            Sample { column: column(0, &[("b", "2"), ("a", "1")]), value: Some(5.0) },
            Sample { column: column(2, &[]), value: Some(0.123) },
            Sample { column: column(0, &[("a", "none")]), value: None },
        ];
        let first = Sample { column: column(0, &[("a", "none")]), value: Some(2.0) };
        let first = Round { samples: vec![first], ..Round::default() };
        let once = Once::new(&first, &Round { samples, ..Round::default() }, None);
        let json = serde_json::to_string(&once).unwrap();
        assert_eq!(json, r#"{"samples":{"x":0.12,"x{a=1,b=2}":5,"x{a=none}":2},"components":[]}"#);
    }
}
