//! Figures as they are shown: a table for people, one line of JSON for programs, ratios turned so that above 1 means
//! Trạm does better.

use serde_json::{Map, Value, json};

/// Which way a figure is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The more the better.
    More,
    /// The less the better.
    Less,
}

/// One figure of one program.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Which run, such as `2000 connections`; empty when there is one only.
    pub run: String,
    /// Name with its unit last.
    pub name: &'static str,
    /// Value.
    pub value: f64,
    /// Which way it is better.
    pub better: Better,
}

/// What a bench found.
#[derive(Debug, Default)]
pub struct Outcome {
    ours: Vec<Figure>,
    peers: Vec<(String, Figure)>,
    notes: Vec<String>,
}

impl Outcome {
    /// Adds one of ours.
    pub fn ours(&mut self, run: &str, name: &'static str, value: f64, better: Better) {
        self.ours.push(Figure { run: run.into(), name, value, better });
    }

    /// Adds a peer's.
    pub fn peer(&mut self, peer: &str, name: &'static str, value: f64, better: Better) {
        self.peers.push((peer.into(), Figure { run: String::new(), name, value, better }));
    }

    /// Adds a peer's, of one of several runs.
    pub fn peer_of(&mut self, peer: &str, run: &str, name: &'static str, value: f64, better: Better) {
        self.peers.push((peer.into(), Figure { run: run.into(), name, value, better }));
    }

    /// Adds a remark: what was left out and why.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Each figure that a peer has too: `PEER.FIGURE`, with the run of ours where there are several.
    fn ratios(&self) -> Vec<(String, f64)> {
        let pairs = self.peers.iter().flat_map(|(peer, theirs)| {
            let is_same = |ours: &&Figure| {
                ours.name == theirs.name && (theirs.run.is_empty() || theirs.run == ours.run)
            };
            let same = self.ours.iter().filter(is_same);
            same.map(move |ours| {
                let run = if ours.run.is_empty() { String::new() } else { format!(".{}", ours.run) };
                let ratio = match ours.better {
                    Better::More => ours.value / theirs.value,
                    Better::Less => theirs.value / ours.value,
                };
                (format!("{peer}.{}{run}", ours.name), ratio)
            })
        });
        pairs.filter(|(_, ratio)| ratio.is_finite()).collect()
    }

    /// One line of JSON.
    pub fn json(&self, bench: &str) -> Value {
        let mut ours = Map::new();
        for figure in &self.ours {
            place(&mut ours, &figure.run, figure);
        }
        let mut peers = Map::new();
        for (peer, figure) in &self.peers {
            let group = if figure.run.is_empty() { peer.clone() } else { format!("{peer}.{}", figure.run) };
            place(&mut peers, &group, figure);
        }
        let ratios = self.ratios().into_iter().map(|(name, ratio)| (name, rounded(ratio)));
        json!({"bench": bench, "ours": ours, "peers": peers, "ratio": ratios.collect::<Map<_, _>>(), "notes": self.notes})
    }

    /// A table: a line for each figure, the peers' beside it.
    pub fn table(&self, bench: &str) -> String {
        let mut text = format!("{:<44} {:>14}\n", format!("{bench}: figure"), "value");
        for figure in &self.ours {
            let name = if figure.run.is_empty() {
                figure.name.into()
            } else {
                format!("{} [{}]", figure.name, figure.run)
            };
            text.push_str(&format!("{name:<44} {:>14}\n", shown(figure.value)));
        }
        for (peer, figure) in &self.peers {
            let run = if figure.run.is_empty() { String::new() } else { format!(" [{}]", figure.run) };
            let name = format!("{peer}: {}{run}", figure.name);
            text.push_str(&format!("{name:<44} {:>14}\n", shown(figure.value)));
        }
        for (name, ratio) in self.ratios() {
            text.push_str(&format!("{:<44} {:>14}\n", format!("ratio {name}"), shown(ratio)));
        }
        self.notes.iter().for_each(|note| text.push_str(&format!("note: {note}\n")));
        text
    }
}

fn place(into: &mut Map<String, Value>, group: &str, figure: &Figure) {
    let value = rounded(figure.value);
    if group.is_empty() {
        into.insert(figure.name.into(), value);
    } else if let Value::Object(inner) = into.entry(group).or_insert_with(|| json!({})) {
        inner.insert(figure.name.into(), value);
    }
}

/// Four significant digits: more would be noise.
fn rounded(value: f64) -> Value {
    shown(value).parse::<f64>().map_or(Value::Null, |value| json!(value))
}

fn shown(value: f64) -> String {
    let digits = (3.0 - value.abs().max(1e-9).log10().floor()).clamp(0.0, 6.0) as usize;
    format!("{value:.digits$}")
}

/// The value below which a share of the values lies; the values need no order.
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share).ceil() as usize;
    values.get(place.clamp(1, values.len().max(1)) - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_means_better_whichever_way_the_figure_goes() {
        let mut outcome = Outcome::default();
        outcome.ours("", "pss_mb", 2.0, Better::Less);
        outcome.ours("2000", "samples_per_cpu_s", 1_000_000.0, Better::More);
        outcome.peer("collectd", "pss_mb", 1.0, Better::Less);
        outcome.peer("vm", "samples_per_cpu_s", 500_000.0, Better::More);
        let json = outcome.json("x");
        assert_eq!(json["ratio"], json!({"collectd.pss_mb": 0.5, "vm.samples_per_cpu_s.2000": 2.0}));
        assert_eq!(json["ours"], json!({"pss_mb": 2.0, "2000": {"samples_per_cpu_s": 1_000_000.0}}));
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((percentile(&mut values, 0.5), percentile(&mut values, 0.99)), (50.0, 99.0));
        assert!(percentile(&mut [], 0.5).is_nan());
    }
}
