//! The policy in force, in a file of the state directory: the one thing that a policy is written to. Knows nothing of
//! what it asks for.

use crate::config::Config;
use crate::delivery::Settings;
use crate::host::Host;
use std::fs;
use std::path::Path;
use tram_proto::policy::Policy;

const FILE: &str = "policy.json";

/// The policy that was followed last; none when there was none, or it cannot be read any more: it is fetched again.
pub(super) fn read(state: &Path) -> Option<Policy> {
    let bytes = fs::read(state.join(FILE)).ok()?;
    serde_json::from_slice::<Policy>(&bytes).ok().filter(|policy| policy.check().is_ok())
}

/// Keeps a policy for the next start.
pub(super) fn keep(state: &Path, policy: &Policy) {
    let written =
        serde_json::to_vec(policy).map_err(Into::into).and_then(|bytes| fs::write(state.join(FILE), bytes));
    if let Err(error) = written {
        tracing::warn!(%error, "cannot keep the policy; it will be fetched again after a restart");
    }
}

/// How this host delivers, under a policy.
pub(super) fn settings(config: &Config, host: &Host, policy: Option<&Policy>) -> Settings {
    Settings {
        boot: host.boot,
        resource: host.resource.clone(),
        send_interval: config.send_interval,
        spool: config.spool,
        policy: policy.map_or(0, |policy| policy.version),
        route: config.route.clone(),
        collectors: policy.map(|policy| policy.collectors.clone()).unwrap_or_default(),
        hours: config.hours(),
        history_limit: config.limits.history_bytes_per_minute,
    }
}
