//! `tw_cli`: 3ware's controllers, units, ports, batteries and enclosures, from `show`, `info cN unitstatus`,
//! `info cN drivestatus`, `info cN bbustatus` and `/cN show all`. Every table has a head that names its columns. Pure.

use crate::sensor::raid::parts::{ARRAY, BATTERY, CONTROLLER, DISK, ENCLOSURE, PROGRESS, Parts, TEMPERATURE};
use crate::sensor::raid::{text, words};
use tram_proto::component::State::{Degraded, Ok};

/// Takes in one answer about a controller; none where it is not of this tool.
pub(super) fn parse(answer: &str, number: u32, parts: &mut Parts) -> Option<Result<(), String>> {
    let heads = ["Ctl ", "Unit ", "Port ", "VPort ", "/c", "bbu ", "Name  OnlineState"];
    let is_known = answer.lines().any(|line| heads.iter().any(|head| line.starts_with(head)))
        && ["NotOpt", "UnitType", "Encl", "Blocks", "BBUReady", "Model ="]
            .iter()
            .any(|mark| answer.contains(mark));
    if !is_known {
        return None;
    }
    let mut reader =
        Reader { controller: format!("tw{number}"), enclosure: String::new(), columns: vec![], parts };
    answer.lines().for_each(|line| reader.line(line));
    Some(Result::Ok(()))
}

/// Numbers of the controllers that `show` tells; they are not always counted from 0.
pub(super) fn controllers(answer: &str) -> Vec<u32> {
    let number = |line: &str| {
        let digits = line.strip_prefix('c')?.split_whitespace().next()?;
        digits.parse().ok()
    };
    answer.lines().filter_map(number).collect()
}

struct Reader<'a> {
    controller: String,
    enclosure: String,
    /// Of the table that the lines are rows of.
    columns: Vec<String>,
    parts: &'a mut Parts,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim();
        let words: Vec<&str> = trimmed.split_whitespace().collect();
        let Some(first) = words.first() else { return };
        if let Some((path, value)) = trimmed.strip_prefix('/').and_then(|rest| rest.split_once(" = ")) {
            self.property(path, value);
        } else if [
            "Ctl",
            "Unit",
            "Port",
            "VPort",
            "Name",
            "Encl",
            "Enclosure",
            "Fan",
            "TempSensor",
            "PowerSupply",
            "Slot",
            "Alarm",
        ]
        .contains(first)
        {
            self.columns = words.iter().map(|word| (*word).to_owned()).collect();
        } else if !trimmed.starts_with('-') {
            self.row(first, &words);
        }
    }

    /// `/c0 Model = 9750-4i`, `/c0/e0 Product ID = SAS2X28`.
    fn property(&mut self, path: &str, value: &str) {
        let Some((place, key)) = path.split_once(' ') else { return };
        let place = place.strip_prefix('c').unwrap_or(place);
        let (number, inner) = place.split_once('/').unwrap_or((place, ""));
        self.controller = format!("tw{number}");
        match key.trim() {
            "Model" if inner.is_empty() => self.parts.part(CONTROLLER, &self.controller).model(value),
            "Serial Number" if inner.is_empty() => {
                self.parts.part(CONTROLLER, &self.controller).serial(value)
            }
            "Not Optimal Units" => {
                let part = self.parts.part(CONTROLLER, &self.controller);
                match text::number(value).is_some_and(|count| count > 0.0) {
                    true => part.summarise("unit not optimal"),
                    false => part.say(Ok, ""),
                }
            }
            "Product ID" if !inner.is_empty() => {
                let id = format!("{}/{inner}", self.controller);
                self.parts.part(ENCLOSURE, &id).model(value);
                self.enclosure = id;
            }
            _ => {}
        }
    }

    /// A cell of a row by the head of its column. Heads of one word stand for cells of one word, but for sizes.
    fn cell<'w>(&self, words: &[&'w str], column: &str) -> Option<&'w str> {
        let place = self.columns.iter().position(|known| known == column)?;
        let size = self.columns.iter().position(|known| known == "Size");
        // `931.51 GB` is two words; `-` is one.
        let shift = match size {
            Some(size) if size < place => {
                usize::from(words.get(size).is_some_and(|cell| cell.parse::<f64>().is_ok()))
            }
            _ => 0,
        };
        words.get(place + shift).copied()
    }

    fn row(&mut self, first: &str, words: &[&str]) {
        let is = |prefix: &str| {
            first
                .strip_prefix(prefix)
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let head = self.columns.first().map(String::as_str).unwrap_or_default().to_owned();
        match head.as_str() {
            "Ctl" if is("c") => self.controller_row(first, words),
            "Unit" if is("u") => self.unit(first, words),
            "Port" | "VPort" if is("p") => self.port(first, words),
            "Name" if first.starts_with("bbu") => self.battery(words),
            "Encl" | "Enclosure" if first.contains("/e") => self.enclosure_row(first, words),
            "Fan" | "TempSensor" | "PowerSupply" | "Alarm" => self.sensor(first, words),
            _ => {}
        }
    }

    fn controller_row(&mut self, first: &str, words: &[&str]) {
        self.controller = format!("tw{}", first.trim_start_matches('c'));
        let (model, not_optimal) = (self.cell(words, "Model"), self.cell(words, "NotOpt"));
        let part = self.parts.part(CONTROLLER, &self.controller);
        part.model(model.unwrap_or_default());
        match not_optimal.and_then(text::number) {
            Some(count) if count > 0.0 => part.summarise("unit not optimal"),
            Some(_) => part.say(Ok, ""),
            None => {}
        }
        if let Some(state) = self.cell(words, "BBU").filter(|state| !words::is_absent(state) && *state != "-")
        {
            self.parts.part(BATTERY, &format!("{}/bbu", self.controller)).word(words::BATTERY, state);
        }
    }

    fn unit(&mut self, first: &str, words: &[&str]) {
        let cells = ["UnitType", "Status", "%RCmpl", "Size(GB)"].map(|column| self.cell(words, column));
        let [level, state, rebuilt, size_gb] = cells;
        let part = self.parts.part(ARRAY, &format!("{}/{first}", self.controller));
        part.model(level.unwrap_or_default());
        part.word(words::ARRAY, state.unwrap_or_default());
        part.figure(PROGRESS, rebuilt.and_then(text::share));
        part.figure("size_bytes", size_gb.and_then(|size| text::size_bytes(&format!("{size} GB"))));
    }

    fn port(&mut self, first: &str, words: &[&str]) {
        let state = self.cell(words, "Status").unwrap_or_default();
        if state == "NOT-PRESENT" {
            return;
        }
        let unit = self.cell(words, "Unit").unwrap_or_default();
        let serial = self.cell(words, "Serial").unwrap_or_default();
        let size = self.columns.iter().position(|known| known == "Size");
        let size = size.and_then(|place| Some(format!("{} {}", words.get(place)?, words.get(place + 1)?)));
        let model = match self.columns.iter().position(|known| known == "Model") {
            Some(place) => words.get(place + 1..).map(|words| words.join(" ")).unwrap_or_default(),
            None => String::new(),
        };
        let part = self.parts.part(DISK, &format!("{}/{first}", self.controller));
        part.word(words::DISK, state);
        if unit == "-" {
            part.note("not in a unit");
        }
        part.serial(serial);
        part.model(&model);
        part.figure("size_bytes", size.as_deref().and_then(text::size_bytes));
    }

    fn battery(&mut self, words: &[&str]) {
        let cells = ["OnlineState", "Status", "Volt", "Temp", "Hours"]
            .map(|column| self.cell(words, column).unwrap_or_default());
        let [online, state, volt, temperature, hours] = cells;
        let part = self.parts.part(BATTERY, &format!("{}/bbu", self.controller));
        part.word(words::BATTERY, state);
        if online.eq_ignore_ascii_case("off") {
            part.say(Degraded, "switched off");
        }
        for (what, word) in [("voltage", volt), ("temperature", temperature)] {
            if ["LOW", "HIGH", "TOO-LOW", "TOO-HIGH", "LOW-FAIL", "HIGH-FAIL"]
                .contains(&word.to_ascii_uppercase().as_str())
            {
                part.say(Degraded, &format!("{what} {}", word.to_ascii_lowercase()));
            }
        }
        part.figure("capacity_hours", text::number(hours));
    }

    fn enclosure_row(&mut self, first: &str, words: &[&str]) {
        let path = first.trim_start_matches('/');
        self.enclosure = path
            .strip_prefix('c')
            .map_or_else(|| format!("{}/{path}", self.controller), |rest| format!("tw{rest}"));
        let state = self.cell(words, "Status");
        let part = self.parts.part(ENCLOSURE, &self.enclosure);
        match state {
            Some(state) => part.word(words::CONTROLLER, state),
            // The list of enclosures counts what they hold and tells no state.
            None => part.say(Ok, ""),
        }
    }

    fn sensor(&mut self, first: &str, words: &[&str]) {
        let cells = ["Status", "Temperature"].map(|column| self.cell(words, column).unwrap_or_default());
        let [state, temperature] = cells;
        let part = self.parts.part(ENCLOSURE, &self.enclosure);
        part.figure(TEMPERATURE, text::number(temperature));
        let is_well = words::is_absent(state) || words::judge(words::CONTROLLER, state).0 == Ok;
        if !is_well {
            part.cite(Degraded, &format!("{first} {}", state.to_ascii_lowercase()));
        }
    }
}
