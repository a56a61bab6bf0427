//! The facts that the demo must show, read from the collector's API as any client would read it.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How often the API is asked.
const POLL: Duration = Duration::from_secs(2);

/// Which machines the facts are about.
#[derive(Debug)]
pub(super) struct Cast {
    /// This machine's own name.
    pub(super) own: String,
    /// The machine that keeps failing.
    pub(super) failing: String,
    /// The machine that failed and recovered.
    pub(super) recovered: String,
    /// A machine that runs hot.
    pub(super) hot: String,
    /// A machine with a disk that announces its failure, where the province has one.
    pub(super) worn: Option<String>,
    /// A machine that falls silent, where the province has one to spare.
    pub(super) silent: Option<String>,
    /// Machines with a bad cable, with bad power, and behind a cut uplink, where there are more to spare.
    pub(super) more: [Option<String>; 3],
}

impl Cast {
    /// What the simulated province is told to inject.
    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = vec![
            format!("disk-filling={}", self.failing),
            format!("recovers={}", self.recovered),
            format!("overheating={}", self.hot),
        ];
        failures.extend(self.worn.as_ref().map(|host| format!("failing-disk={host}")));
        failures.extend(self.silent.as_ref().map(|host| format!("silent-host={host}")));
        for (name, host) in ["flapping-link", "dying-power", "cut-uplink"].into_iter().zip(&self.more) {
            failures.extend(host.as_ref().map(|host| format!("{name}={host}")));
        }
        failures
    }
}

/// The collector's API, with the demo's token.
pub(super) struct Api {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Api {
    /// A client that trusts the collector's own CA and nothing else.
    pub(super) fn new(port: u16, ca: &Path, token: &str) -> Result<Self> {
        let pem = std::fs::read(ca).with_context(|| ca.display().to_string())?;
        let certificate = reqwest::Certificate::from_pem(&pem)?;
        let client = reqwest::Client::builder().tls_certs_only([certificate]).build()?;
        Ok(Self { client, base: format!("https://127.0.0.1:{port}/api/v1"), token: token.to_owned() })
    }

    /// Whether the collector of this CA says that it is ready: its store is open and it can write.
    pub(super) async fn is_ready(&self) -> bool {
        let url = self.base.replace("/api/v1", "/readyz");
        self.client.get(url).send().await.is_ok_and(|answer| answer.status().is_success())
    }

    async fn read(&self, path: &str) -> Result<Value> {
        let url = format!("{}/{path}", self.base);
        let answer = self.client.get(&url).bearer_auth(&self.token).send().await?;
        let status = answer.status();
        let body = answer.text().await?;
        if !status.is_success() {
            bail!("{url}: {status}: {body}");
        }
        serde_json::from_str(&body).with_context(|| url)
    }

    async fn items(&self, path: &str) -> Result<Vec<Value>> {
        let mut page = self.read(path).await?;
        match page.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => Ok(items),
            Some(_) | None => bail!("{path}: expected a page with items"),
        }
    }

    async fn asset(&self, name: &str) -> Result<Option<Value>> {
        let found = self.items(&format!("assets?limit=200&search={}", encoded(name))).await?;
        let Some(id) =
            found.iter().find(|asset| asset["name"] == name).and_then(|asset| asset["id"].as_i64())
        else {
            return Ok(None);
        };
        self.read(&format!("assets/{id}")).await.map(Some)
    }

    async fn alert(&self, asset: &str, state: &str) -> Result<Option<Value>> {
        let alerts = self.items(&format!("alerts?limit=200&state={state}")).await?;
        Ok(alerts
            .into_iter()
            .find(|alert| alert["asset"]["name"] == asset && !alert["work_order_id"].is_null()))
    }

    async fn work_order(&self, id: &Value) -> Result<Option<Value>> {
        let orders = self.items("work-orders?limit=200").await?;
        Ok(orders.into_iter().find(|order| &order["id"] == id))
    }
}

/// Waits for every fact and prints each as it is seen; an error names the one that is missing at the deadline.
pub(super) async fn wait_for_all(api: &Api, cast: &Cast, deadline: Duration) -> Result<()> {
    let started = tokio::time::Instant::now();
    // A small province has no disk to show.
    let mut seen = [false, false, false, false, cast.worn.is_none()];
    let names = [
        "this machine's report",
        "the failing machine flagged",
        "its work order",
        "the recovered machine ready to verify",
        "the failing disk and why",
    ];
    while !seen.iter().all(|seen| *seen) {
        for (fact, seen) in seen.iter_mut().enumerate() {
            if !*seen && let Some(line) = look(api, cast, fact).await? {
                super::say(&format!("[{:>3} s] {line}", started.elapsed().as_secs()));
                *seen = true;
            }
        }
        if started.elapsed() > deadline {
            let missing: Vec<&str> =
                names.iter().zip(seen).filter(|(_, seen)| !seen).map(|(name, _)| *name).collect();
            bail!("not seen within {} s: {}", deadline.as_secs(), missing.join(", "));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

async fn look(api: &Api, cast: &Cast, fact: usize) -> Result<Option<String>> {
    match fact {
        0 => Ok(api.asset(&cast.own).await?.as_ref().and_then(own_machine)),
        1 => Ok(api
            .alert(&cast.failing, "firing")
            .await?
            .map(|alert| format!("flagged: {}: {}", cast.failing, both(&alert["title"])))),
        2 => {
            let Some(alert) = api.alert(&cast.failing, "firing").await? else { return Ok(None) };
            let order = api.work_order(&alert["work_order_id"]).await?;
            Ok(order.map(|order| {
                format!("work order {}: {}: {}", order["id"], cast.failing, both(&order["action"]))
            }))
        }
        3 => {
            let Some(alert) = api.alert(&cast.recovered, "resolved").await? else { return Ok(None) };
            let order = api.work_order(&alert["work_order_id"]).await?;
            let ready = order.filter(|order| order["ready_to_verify"] == true);
            Ok(ready.map(|order| {
                format!(
                    "recovered: {}: resolved, work order {} is ready to verify",
                    cast.recovered, order["id"]
                )
            }))
        }
        _ => {
            let Some(host) = &cast.worn else { return Ok(None) };
            let Some(asset) = api.asset(host).await? else { return Ok(None) };
            // One page tells all of it: which part, and why.
            let parts = asset["components"].as_array().into_iter().flatten();
            let bad = parts.filter(|part| part["state"] == "predicted_failure").find_map(|part| {
                let reasons: Vec<String> =
                    part["reasons"].as_array()?.iter().map(|reason| both(&reason["text"])).collect();
                (!reasons.is_empty()).then(|| format!("{}: {}", described(part), reasons.join("; ")))
            });
            Ok(bad.map(|bad| format!("failing part: {host}: {bad}")))
        }
    }
}

/// One line about this machine, once everything that it must say is there.
fn own_machine(asset: &Value) -> Option<String> {
    let values = asset["values"].as_array()?;
    let value = |name: &str| {
        values.iter().find(|value| value["name"] == name).and_then(|value| value["value"].as_f64())
    };
    let named = |kind: &str| -> Vec<String> {
        let components = asset["components"].as_array().into_iter().flatten();
        components.filter(|component| component["kind"] == kind).map(described).collect()
    };
    let busy: f64 = values
        .iter()
        .filter(|value| {
            value["name"] == "system.cpu.utilization" && value["attributes"]["cpu.mode"] != "idle"
        })
        .filter_map(|value| value["value"].as_f64())
        .sum();
    let file_systems: Vec<&str> = values
        .iter()
        .filter(|value| value["name"] == "system.filesystem.limit")
        .filter_map(|value| value["attributes"]["system.filesystem.mountpoint"].as_str())
        .collect();
    let verdict = asset["reachability"]["verdict"].as_str()?;
    let uptime_s = value("system.uptime")?;
    let processors = named("cpu");
    if processors.is_empty() || file_systems.is_empty() {
        return None;
    }
    Some(format!(
        "{}: CPU {} {:.0} % busy; disks {}; file systems {}; up {:.1} h; reachability {verdict}",
        asset["name"].as_str()?,
        processors.join(", "),
        busy * 100.0,
        named("physical_disk").join(", "),
        file_systems.join(" "),
        uptime_s / 3_600.0,
    ))
}

fn described(component: &Value) -> String {
    let texts = ["name", "model", "id"].map(|key| component[key].as_str().unwrap_or(""));
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or("?").to_owned()
}

fn both(text: &Value) -> String {
    format!("{} / {}", text["vi"].as_str().unwrap_or("?"), text["en"].as_str().unwrap_or("?"))
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The last word that a program printed: where it prints a token alone on its line.
pub(super) fn last_word(printed: &str) -> Option<&str> {
    printed.split_whitespace().last()
}
