//! Services that the administrator lists: whether each runs. One that is not installed does not run.

use super::refused;
use crate::sensor::sample::{SCALE_WHOLE, gauge};
use crate::sensor::{NoData, Paths, Reading, Sensor};
use std::time::Duration;
use tram_proto::sample as names;
use windows_service::Error;
use windows_service::service::{ServiceAccess, ServiceState};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

const INTERVAL: Duration = Duration::from_secs(60);
/// The system's number for a service that it does not know.
const NO_SUCH_SERVICE: i32 = 1060;

/// The sensor.
#[derive(Debug)]
pub(super) struct Services {
    listed: Vec<String>,
}

impl Services {
    /// With the short names of services.
    pub(super) fn new(listed: Vec<String>) -> Self {
        Self { listed }
    }
}

impl Sensor for Services {
    fn name(&self) -> &'static str {
        "services"
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn read(&mut self, _paths: &Paths) -> Result<Reading, NoData> {
        if self.listed.is_empty() {
            return Err(NoData::Absent);
        }
        let manager = ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)
            .map_err(|error| refused("services", error))?;
        let sample = |name: &String| {
            let value = is_running(&manager, name).map(|running| f64::from(u8::from(running)));
            gauge(names::SERVICE_UP, "1", SCALE_WHOLE, &[(names::SERVICE, name)], value)
        };
        Ok(Reading { samples: self.listed.iter().map(sample).collect(), components: vec![] })
    }
}

/// None: this process may not ask.
fn is_running(manager: &ServiceManager, name: &str) -> Option<bool> {
    let status =
        manager.open_service(name, ServiceAccess::QUERY_STATUS).and_then(|service| service.query_status());
    match status {
        Ok(status) => Some(status.current_state == ServiceState::Running),
        Err(Error::Winapi(error)) if error.raw_os_error() == Some(NO_SUCH_SERVICE) => Some(false),
        Err(_) => None,
    }
}
