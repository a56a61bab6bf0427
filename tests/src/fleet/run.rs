//! The whole fleet: gives every host its token, its failures and its place in the start, and runs them together.

use crate::fleet::failure::{Failure, FailureKind};
use crate::fleet::host::{Assignment, Worker};
use crate::fleet::plan::{Host, Plan};
use crate::fleet::progress::Progress;
use crate::fleet::timeline::Timeline;
use crate::fleet::tokens::Tokens;
use anyhow::bail;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tram_agent::spool::Bounds;

/// A start is spread so that hosts come one after another.
const START_GAP: Duration = Duration::from_millis(20);
/// But no wider than this, however many there are.
const START_SPREAD_MAX: Duration = Duration::from_secs(15);

/// What a fleet is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who is in it.
    pub plan: Plan,
    /// What goes wrong.
    pub failures: Vec<Failure>,
    /// The collector, `https://HOST:PORT`.
    pub collector: String,
    /// Tokens of the sites.
    pub tokens: Tokens,
    /// Where the hosts' identities and spools live, one directory each.
    pub state: PathBuf,
    /// Between samples.
    pub sample_interval: Duration,
    /// Between sends.
    pub send_interval: Duration,
    /// How much each host's spool keeps.
    pub spool: Bounds,
    /// The hour in the province when the fleet starts; none: what it is.
    pub hour: Option<f64>,
}

/// Runs every host of the plan until `stop` has come, then lets each send what it has. The first host that cannot be
/// enrolled or cannot keep its state ends the run with its error.
pub async fn run(
    settings: Settings,
    progress: Arc<Progress>,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    check(&settings.plan, &settings.failures)?;
    let timeline = Timeline::begin(settings.hour);
    let (stopping, stopped) = watch::channel(false);
    let mut hosts = JoinSet::new();
    for assignment in assignments(&settings)? {
        let failures = failures_of(&settings, &assignment.host);
        let begun = assignment.begin(failures, timeline.clone(), progress.clone());
        hosts.spawn(live(begun, stopped.clone()));
    }
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            ended = hosts.join_next() => match ended {
                Some(ended) => ended??,
                None => break,
            },
        }
    }
    // Receivers that are gone belong to hosts that have ended.
    let _ = stopping.send(true);
    while let Some(ended) = hosts.join_next().await {
        ended??;
    }
    Ok(())
}

/// One host from its enrolment to the end of the run.
async fn live(
    begun: impl Future<Output = anyhow::Result<Worker>>,
    mut stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut stopping = stopped.clone();
    let begun = tokio::select! {
        begun = begun => begun?,
        _ = stopping.wait_for(|stopping| *stopping) => return Ok(()),
    };
    let mut worker = begun;
    tokio::select! {
        worked = worker.work() => worked?,
        _ = stopped.wait_for(|stopping| *stopping) => {}
    }
    worker.flush().await;
    Ok(())
}

/// Whether every failure's host is in the plan.
pub fn check(plan: &Plan, failures: &[Failure]) -> anyhow::Result<()> {
    for failure in failures {
        let site = failure.kind == FailureKind::CutUplink
            && plan.sites.iter().any(|site| site.agency == failure.host || site.name == failure.host);
        if plan.host(&failure.host).is_none() && !site {
            let some: Vec<&str> = plan.hosts.iter().take(8).map(|host| host.name.as_str()).collect();
            bail!("{}: no host {:?}; there are {}, ...", failure.kind, failure.host, some.join(", "));
        }
    }
    Ok(())
}

fn assignments(settings: &Settings) -> anyhow::Result<Vec<Assignment>> {
    let hosts = u32::try_from(settings.plan.hosts.len()).unwrap_or(u32::MAX).max(1);
    let gap = START_GAP.min(START_SPREAD_MAX / hosts);
    let mut assignments = Vec::with_capacity(settings.plan.hosts.len());
    for (number, host) in settings.plan.hosts.iter().enumerate() {
        let is_site = |site: &&crate::fleet::plan::Site| site.agency == host.agency && site.name == host.site;
        let Some(place) = settings.plan.sites.iter().position(|site| is_site(&site)) else {
            bail!("host {}: no site {:?}", host.name, host.site);
        };
        assignments.push(Assignment {
            host: host.clone(),
            seed: settings.plan.seed,
            collector: settings.collector.clone(),
            token: settings.tokens.of(place, &settings.plan.sites[place])?,
            state: settings.state.join(&host.name),
            sample_interval: settings.sample_interval,
            send_interval: settings.send_interval,
            spool: settings.spool,
            start_after: gap * u32::try_from(number).unwrap_or(u32::MAX),
        });
    }
    Ok(assignments)
}

/// A host's own failures, and the cut uplinks of its site, whichever host, agency or site they were named by.
fn failures_of(settings: &Settings, host: &Host) -> Vec<Failure> {
    let concerns = |failure: &&Failure| {
        let named = settings.plan.host(&failure.host);
        let same_site = named.is_some_and(|named| named.agency == host.agency && named.site == host.site)
            || failure.host == host.agency
            || failure.host == host.site;
        failure.host == host.name || (failure.kind == FailureKind::CutUplink && same_site)
    };
    settings.failures.iter().filter(concerns).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(failures: &[&str]) -> Settings {
        let token = tram_proto::enroll::Token { ca_sha256: [0; 32], issued_ms: 0, secret: [0; 20] };
        Settings {
            plan: Plan::new(1, 60),
            failures: failures.iter().map(|text| text.parse().unwrap()).collect(),
            collector: "https://127.0.0.1:1".into(),
            tokens: Tokens::load(&[token.to_string()]).unwrap(),
            state: "/nonexistent".into(),
            sample_interval: Duration::from_secs(15),
            send_interval: Duration::from_secs(60),
            spool: tram_agent::spool::Bounds {
                bytes_max: 1 << 20,
                age_max: Duration::from_secs(30 * 86_400),
            },
            hour: None,
        }
    }

    #[test]
    fn a_cut_uplink_concerns_the_whole_site_and_other_failures_one_host() {
        let plan = Plan::new(1, 60);
        let site = plan.sites.iter().find(|site| site.hosts >= 2 && site.prefix.starts_with("xa-")).unwrap();
        let there: Vec<&Host> = plan.hosts.iter().filter(|host| host.site == site.name).collect();
        let cut = format!("cut-uplink={}", there[0].name);
        let hot = format!("overheating={}", there[0].name);
        let by_agency = format!("cut-uplink={}", site.agency);
        for cut in [cut, by_agency] {
            let settings = settings(&[&cut, &hot]);
            check(&settings.plan, &settings.failures).unwrap();
            let count = |host: &Host| failures_of(&settings, host).len();
            assert_eq!((count(there[0]), count(there[1])), (2, 1));
            let elsewhere = plan.hosts.iter().find(|host| host.site != site.name).unwrap();
            assert_eq!(count(elsewhere), 0);
        }
    }

    #[test]
    fn a_failure_of_a_host_that_is_not_there_is_refused() {
        let settings = settings(&["overheating=nobody"]);
        let error = check(&settings.plan, &settings.failures).unwrap_err().to_string();
        assert!(error.starts_with("overheating: no host \"nobody\"; there are "), "{error}");
    }

    #[test]
    fn hosts_start_one_after_another_within_the_spread() {
        let assignments = assignments(&settings(&[])).unwrap();
        assert!(assignments.windows(2).all(|pair| pair[0].start_after < pair[1].start_after));
        assert!(assignments.iter().all(|assignment| assignment.start_after < START_SPREAD_MAX));
        let states: std::collections::BTreeSet<_> =
            assignments.iter().map(|assignment| &assignment.state).collect();
        assert_eq!(states.len(), 60);
    }
}
