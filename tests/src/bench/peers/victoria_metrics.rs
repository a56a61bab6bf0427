//! VictoriaMetrics with a set of ours in it, and what it takes on disk once all is merged.

use crate::bench::datasets::Series;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a start may take.
const START_TRIES: u32 = 300;
/// Bytes of one request.
const BODY_BYTES: usize = 8 << 20;

/// A server that ends with this value.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// Bytes that series take, data and index.
pub(super) async fn stored(kit: &Path, series: &Series) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let url = format!("http://{address}");
    let mut start = Command::new("victoria-metrics");
    start.arg(format!("-storageDataPath={}", folder.path().display()));
    start.args(["-retentionPeriod=100y", &format!("-httpListenAddr={address}")]);
    let server = start.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("victoria-metrics")?;
    let _server = Server(server);
    let mut tries = 0;
    while tokio::net::TcpStream::connect(address).await.is_err() {
        tries += 1;
        ensure!(tries < START_TRIES, "victoria-metrics does not answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let client = reqwest::Client::builder().no_proxy().build()?;
    let mut body = String::new();
    for ((host, column), points) in series {
        body.push_str(&line(*host, *column, points)?);
        if body.len() > BODY_BYTES {
            post(&client, &url, std::mem::take(&mut body)).await?;
        }
    }
    post(&client, &url, body).await?;
    let mut sizes = Command::new(kit.join("scripts/sizes.py"));
    sizes.args(["vm", "set"]).arg(folder.path()).arg(&url).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = tokio::task::spawn_blocking(move || sizes.output()).await?.context("running sizes.py")?;
    ensure!(output.status.success(), "sizes.py: {}", String::from_utf8_lossy(&output.stderr));
    let size: Value = serde_json::from_slice(&output.stdout)?;
    let expected: usize = series.values().map(Vec::len).sum();
    ensure!(
        size["stored_samples"].as_u64() == Some(expected as u64),
        "not all is stored: {size} of {expected}"
    );
    let bytes = |name: &str| size[name].as_f64().context("no size");
    Ok(bytes("data_bytes")? + bytes("index_bytes")?)
}

fn line(host: usize, column: usize, points: &[(i64, String)]) -> anyhow::Result<String> {
    let name = format!("column_{column}");
    let times: Vec<i64> = points.iter().map(|(time_ms, _)| *time_ms).collect();
    let values = points.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(",");
    let metric = json!({ "__name__": name, "host": format!("host-{host}") });
    Ok(format!(
        "{{\"metric\":{metric},\"values\":[{values}],\"timestamps\":{}}}\n",
        serde_json::to_string(&times)?
    ))
}

async fn post(client: &reqwest::Client, url: &str, body: String) -> anyhow::Result<()> {
    let answer = client.post(format!("{url}/api/v1/import")).body(body).send().await?;
    ensure!(answer.status().is_success(), "import: {}", answer.status());
    Ok(())
}
