//! `storcli`, `storcli2` and `perccli`: controllers of Broadcom's MegaRAID family, their arrays, disks, batteries and
//! enclosures, from JSON, or from the text that [`table`] turns into the same. Told apart by the keys that a section
//! has, so that the answer to any of the commands is understood. Pure.

pub(super) mod table;

use crate::sensor::raid::parts::{ARRAY, BATTERY, CONTROLLER, DISK, ENCLOSURE, PROGRESS, Parts, TEMPERATURE};
use crate::sensor::raid::{text, words};
use serde_json::{Map, Value};
use tram_proto::component::State::{Degraded, Failed, Ok, PredictedFailure};

/// Depth to which sections nest, at most.
const DEPTH_MAX: usize = 8;

type Object = Map<String, Value>;

/// Takes in one answer; none where it is not of this family. A command that failed says why.
pub(super) fn parse(answer: &str, parts: &mut Parts) -> Option<Result<(), String>> {
    let answers: Vec<Value> = match answer.trim_start().starts_with('{') {
        true => {
            let read: Result<Vec<Value>, _> =
                serde_json::Deserializer::from_str(answer).into_iter().collect();
            match read {
                Result::Ok(values) => values,
                Err(_) => return Some(Err("JSON is cut or malformed".into())),
            }
        }
        false => vec![table::parse(answer)?],
    };
    let controllers: Vec<&Value> = answers
        .iter()
        .filter_map(|value| value.get("Controllers").and_then(Value::as_array))
        .flatten()
        .collect();
    if controllers.is_empty() {
        return None;
    }
    let mut failures = Vec::new();
    for controller in controllers {
        let status = controller.get("Command Status").unwrap_or(&Value::Null);
        if !word(status, "Status").eq_ignore_ascii_case("success") {
            failures.extend(Some(word(status, "Description")).filter(|text| text != "None"));
        }
        let response = controller.get("Response Data").unwrap_or(&Value::Null);
        let basics = response.get("Basics").unwrap_or(&Value::Null);
        let number =
            [status, basics].map(|of| word(of, "Controller")).into_iter().find(|number| !number.is_empty());
        let controller = number.unwrap_or_else(|| "0".into());
        let mut reader = Reader { controller, basics: vec![], parts, groups_short: vec![] };
        reader.section("", response, 0);
        reader.mark_short_arrays();
    }
    Some(failures.into_iter().next().map_or(Result::Ok(()), Err))
}

/// A value of an object as text, numbers included; empty where there is none.
fn word(of: &Value, key: &str) -> String {
    of.as_object().map(|object| field(object, key)).unwrap_or_default()
}

fn field(of: &Object, key: &str) -> String {
    match of.get(key) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        None | Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) => String::new(),
    }
}

struct Reader<'a> {
    controller: String,
    /// Model and serial number of the controller, told before its state or without any.
    basics: Vec<(String, String)>,
    parts: &'a mut Parts,
    /// Drive groups that lack a member.
    groups_short: Vec<String>,
}

impl Reader<'_> {
    /// Takes in a section and those inside it.
    fn section(&mut self, title: &str, value: &Value, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::Array(rows) => rows.iter().for_each(|row| self.section(title, row, depth + 1)),
            Value::Object(object) => {
                self.object(title, object);
                for (key, inner) in object {
                    self.section(key, inner, depth + 1);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn object(&mut self, title: &str, of: &Object) {
        let has = |key: &str| of.contains_key(key);
        if has("EID:Slt") || has("EID:Slot") {
            self.disk(of);
        } else if has("DG/VD") || has("DG/VD/CC") {
            self.array(of);
        } else if has("Controller Status") {
            self.controller_status(of);
        } else if has("Ctl") && has("Hlth") {
            self.overview(of, ["Ctl", "Model", "Hlth", "BBU"]);
        } else if has("Ctrl") && has("EPack") {
            self.overview(of, ["Ctrl", "Product Name", "Status", "EPack"]);
        } else if has("Drive-ID") && has("Progress%") {
            self.rebuild(of);
        } else if has("EID") && has("State") {
            self.enclosure(of);
        } else if has("Property") && has("Value") {
            self.battery_property(title, of);
        } else if (has("State") || has("Status"))
            && (title.contains("BBU_Info") || title.contains("achevault_Info") || title.contains("nergy"))
        {
            self.battery(of);
        } else if let Some(disk) = title.strip_prefix("Drive ").filter(|rest| rest.starts_with("/c")) {
            self.disk_detail(disk, of);
        } else if let Some(number) = array_properties(title) {
            self.array_properties(number, of);
        }
        self.loose(title, of);
    }

    fn id(&self, of: &str) -> String {
        format!("c{}/{of}", self.controller)
    }

    /// What stands beside other things in some version or other. Names of the controller are not yet its state.
    fn loose(&mut self, title: &str, of: &Object) {
        let id = format!("c{}", self.controller);
        let model = if title == "Basics" { field(of, "Model") } else { field(of, "Product Name") };
        if !model.is_empty() {
            self.basics.push((model, field(of, "Serial Number")));
        }
        let keys =
            ["ROC temperature(Degree Celsius)", "ROC temperature(Degree Celcius)", "Chip temperature(C)"];
        let celsius =
            keys.iter().find_map(|key| text::number(&field(of, key))).filter(|celsius| *celsius > 0.0);
        if let Some(part) = self.parts.known(CONTROLLER, &id) {
            part.figure(TEMPERATURE, celsius);
        }
    }

    fn controller_status(&mut self, of: &Object) {
        let id = format!("c{}", self.controller);
        let part = self.parts.part(CONTROLLER, &id);
        part.word(words::CONTROLLER, &field(of, "Controller Status"));
        for (model, serial) in &self.basics {
            part.model(model);
            part.serial(serial);
        }
        let count = |key: &str| text::number(&field(of, key));
        let uncorrectable = count("Memory Uncorrectable Errors");
        part.figure("memory_correctable_errors", count("Memory Correctable Errors"));
        part.figure("memory_uncorrectable_errors", uncorrectable);
        if uncorrectable.is_some_and(|errors| errors > 0.0) {
            part.say(Degraded, "uncorrectable memory errors");
        }
        for (key, reason) in [
            ("Any Offline VD Cache Preserved", "preserved cache of an offline array"),
            ("Controller has booted into safe mode", "safe mode"),
            ("Controller shutdown required", "shutdown required"),
            ("Bios was not detected during boot", "BIOS not detected"),
        ] {
            if text::is_yes(&field(of, key)) {
                part.say(Degraded, reason);
            }
        }
        let battery = ["BBU Status", "Energy Pack Status"]
            .iter()
            .find_map(|key| of.contains_key(*key).then(|| field(of, key)));
        // A number without a legend: 0 is good, 8 and 4096 are learning and charging; a battery's own section says more.
        match battery.as_deref().map(str::parse::<u32>) {
            None | Some(Err(_)) | Some(Result::Ok(0 | 8 | 4096)) => {}
            Some(Result::Ok(code)) => {
                self.parts
                    .part(BATTERY, &format!("{id}/bbu"))
                    .say(Degraded, &format!("battery status {code}"));
            }
        }
    }

    /// One line of `storcli show`, and of `storcli2 show`, by the names of its columns.
    fn overview(&mut self, of: &Object, [number, model, health, battery]: [&str; 4]) {
        let id = format!("c{}", field(of, number));
        let part = self.parts.part(CONTROLLER, &id);
        part.model(&field(of, model));
        part.word(words::CONTROLLER, &field(of, health));
        let count = |key: &str| text::number(&field(of, key)).unwrap_or_default();
        if count("DNOpt") + count("VNOpt") > 0.0 {
            part.summarise("array not optimal");
        }
        let battery = field(of, battery);
        if !words::is_absent(&battery) {
            self.parts.part(BATTERY, &format!("{id}/bbu")).word(words::BATTERY, &battery);
        }
    }

    fn array(&mut self, of: &Object) {
        let place = if of.contains_key("DG/VD") { field(of, "DG/VD") } else { field(of, "DG/VD/CC") };
        let (group, number) = place.split_once('/').unwrap_or(("", &place));
        let part = self.parts.part(ARRAY, &format!("c{}/v{number}", self.controller));
        part.word(words::ARRAY, &field(of, "State"));
        part.model(&field(of, "TYPE"));
        part.name(&field(of, "Name"));
        part.figure("size_bytes", text::size_bytes(&field(of, "Size")));
        part.figure("drive_group", text::number(group));
        if ["B", "Blocked", "Blked"].contains(&field(of, "Access").as_str()) {
            part.say(Degraded, "blocked");
        }
    }

    fn array_properties(&mut self, number: &str, of: &Object) {
        let part = self.parts.part(ARRAY, &format!("c{}/v{number}", self.controller));
        part.serial(&field(of, "SCSI NAA Id"));
        let count = |key: &str| text::number(&field(of, key));
        let members = count("Number of Drives Per Span").zip(count("Span Depth"));
        part.figure("members", members.map(|(drives, spans)| drives * spans));
        let busy = field(of, "Active Operations");
        if busy.to_ascii_lowercase().contains("rebuild") {
            part.say(Degraded, "rebuilding");
            part.figure(PROGRESS, text::share(&busy));
        }
    }

    /// A row of a list of disks, or of the topology: there a drive group that lacks a member has a row without a slot.
    fn disk(&mut self, of: &Object) {
        let seat = if of.contains_key("EID:Slt") { field(of, "EID:Slt") } else { field(of, "EID:Slot") };
        let kind = field(of, "Type");
        if of.contains_key("Arr") && !kind.eq_ignore_ascii_case("drive") {
            return;
        }
        let state = field(of, "State");
        let Some(id) = disk_id(&self.controller, &seat) else {
            if words::judge(words::DISK, &state).0 == Failed {
                self.groups_short.push(field(of, "DG"));
            }
            return;
        };
        let part = self.parts.part(DISK, &id);
        part.word(words::DISK, &state);
        // StorCLI2 has a state for what a disk is for and a status for how it is.
        let status = field(of, "Status");
        if !status.is_empty() {
            part.word(words::DISK, &status);
        }
        if field(of, "DG") == "F" {
            part.say(Degraded, "foreign configuration");
        }
        part.model(&field(of, "Model"));
        part.figure("size_bytes", text::size_bytes(&field(of, "Size")));
    }

    /// `/c0/e252/s0 State`, `/c0/e252/s0 Device attributes`.
    fn disk_detail(&mut self, title: &str, of: &Object) {
        let Some((path, section)) = title.split_once(' ') else { return };
        let Some(id) = path.strip_prefix('/').map(str::to_owned) else { return };
        let count = |key: &str| of.get(key).and_then(|_| text::number(&field(of, key)));
        if section.ends_with("State") {
            let part = self.parts.part(DISK, &id);
            part.media_errors(count("Media Error Count"));
            part.figure("other_errors", count("Other Error Count"));
            part.figure("predictive_failures", count("Predictive Failure Count"));
            part.figure(TEMPERATURE, count("Drive Temperature").filter(|celsius| *celsius > 0.0));
            if count("Predictive Failure Count").is_some_and(|count| count > 0.0) {
                part.say(PredictedFailure, "predictive failure");
            }
            if text::is_yes(&field(of, "S.M.A.R.T alert flagged by drive")) {
                part.say(PredictedFailure, "SMART alert");
            }
        } else if section.ends_with("Device attributes") || section.ends_with("Device Attributes") {
            let part = self.parts.part(DISK, &id);
            part.serial(&field(of, "SN"));
            part.model(&field(of, "Model Number"));
        }
    }

    /// A row of progress of a rebuild, which disks that do not rebuild have as well.
    fn rebuild(&mut self, of: &Object) {
        let id = field(of, "Drive-ID");
        let share = text::number(&field(of, "Progress%")).filter(|percent| (0.0..=100.0).contains(percent));
        if let (Some(share), true) = (share, field(of, "Status").to_ascii_lowercase().starts_with("in")) {
            let part = self.parts.part(DISK, id.trim_start_matches('/'));
            part.say(Degraded, "rebuilding");
            part.figure(PROGRESS, Some(share / 100.0));
        }
    }

    fn enclosure(&mut self, of: &Object) {
        let part = self.parts.part(ENCLOSURE, &format!("c{}/e{}", self.controller, field(of, "EID")));
        part.word(words::CONTROLLER, &field(of, "State"));
        part.model(&field(of, "ProdID"));
        part.figure("slots", text::number(&field(of, "Slots")));
        part.figure("disks", text::number(&field(of, "PD")));
    }

    fn battery(&mut self, of: &Object) {
        // StorCLI 2 writes it like its disks' health: "Type SubType Voltage(mV) Temperature(C) Status".
        let state = field(of, if of.contains_key("State") { "State" } else { "Status" });
        if words::is_absent(&state) {
            return;
        }
        let part = self.parts.part(BATTERY, &self.id("bbu"));
        part.word(words::BATTERY, &state);
        part.model(&field(of, if of.contains_key("Model") { "Model" } else { "SubType" }));
        let celsius = ["Temp", "Temperature(C)"].iter().find_map(|key| text::number(&field(of, key)));
        part.figure(TEMPERATURE, celsius.filter(|celsius| *celsius > 0.0));
    }

    /// One line of `/cx/bbu show all` or `/cx/cv show all`.
    fn battery_property(&mut self, title: &str, of: &Object) {
        let is_battery = ["BBU", "achevault", "Firmware_Status", "Gas", "Design_Info", "nergy"];
        if !is_battery.iter().any(|name| title.contains(name)) {
            return;
        }
        let (property, value) = (field(of, "Property"), field(of, "Value"));
        let id = self.id("bbu");
        let part = self.parts.part(BATTERY, &id);
        match property.as_str() {
            "Type" => part.model(&value),
            "Battery State" | "State" => part.word(words::BATTERY, &value),
            "Serial Number" => part.serial(&value),
            "Temperature" if value.starts_with(|digit: char| digit.is_ascii_digit()) => {
                part.figure(TEMPERATURE, text::number(&value));
            }
            "Temperature" | "Voltage" if ["High", "Low", "Critical"].contains(&value.as_str()) => {
                part.say(
                    Degraded,
                    &format!("{} {}", property.to_ascii_lowercase(), value.to_ascii_lowercase()),
                );
            }
            "Capacitance" | "Relative State of Charge" => part.figure("charge_ratio", text::share(&value)),
            "Cycle Count" => part.figure("charge_cycles", text::number(&value)),
            "Replacement required"
            | "Battery Replacement required"
            | "Pack is about to fail & should be replaced"
                if text::is_yes(&value) =>
            {
                part.say(Failed, "replace battery");
            }
            "Battery Pack Missing" if text::is_yes(&value) => part.say(Degraded, "missing"),
            "Remaining Capacity Low" | "No space to cache offload" if text::is_yes(&value) => {
                part.say(Degraded, &property.to_ascii_lowercase());
            }
            "Learn Cycle Active" if text::is_yes(&value) => part.say(Ok, "learning"),
            "NVCache State" => part.word(words::BATTERY, &value),
            _ => {}
        }
    }

    /// Arrays of drive groups that lack a member say so. The row of the member has no other place.
    fn mark_short_arrays(&mut self) {
        let short: Vec<f64> = self.groups_short.iter().filter_map(|group| text::number(group)).collect();
        let prefix = format!("c{}/", self.controller);
        for part in self.parts.each(ARRAY).filter(|part| part.id().starts_with(&prefix)) {
            if part.figure_of("drive_group").is_some_and(|group| short.contains(&group)) {
                part.say(Degraded, "missing member");
            }
        }
    }
}

/// `c0/e252/s1` of `252:1`; disks without an enclosure have ` :1` there, `c0/s1`.
fn disk_id(controller: &str, seat: &str) -> Option<String> {
    let (enclosure, slot) = seat.split_once(':')?;
    let (enclosure, slot) = (enclosure.trim(), slot.trim());
    if slot.is_empty() || slot == "-" {
        return None;
    }
    Some(match enclosure {
        "" | "-" => format!("c{controller}/s{slot}"),
        enclosure => format!("c{controller}/e{enclosure}/s{slot}"),
    })
}

/// The number of `VD0 Properties`.
fn array_properties(title: &str) -> Option<&str> {
    title.strip_prefix("VD")?.strip_suffix(" Properties")
}
