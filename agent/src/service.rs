//! The agent as a service of Windows: put in place, taken away, and run by the service manager. Knows nothing of what
//! the agent does.

use crate::app;
use crate::config::Config;
use crate::system::{self, Stop};
use crate::uplink::identity::IdentityStore;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::watch;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept,
    ServiceErrorControl, ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo,
    ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{define_windows_service, service_dispatcher};

pub mod log;

/// What the service manager calls it.
pub const NAME: &str = "TramAgent";
const DISPLAY_NAME: &str = "Trạm agent";
const DESCRIPTION: &str =
    "Đo máy này và báo cáo về trung tâm Trạm. / Measures this host and reports to a Trạm collector.";
/// Where the program is put: only administrators can write there.
const PROGRAM: &str = r"C:\Program Files\Tram\tram-agent.exe";
/// After a failure it is started again this much later.
const RESTART_AFTER: Duration = Duration::from_secs(60);
/// A day without a failure forgets those before.
const FAILURES_FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);
/// How long it may take to say its last words.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is looked whether a service that is being replaced has stopped, and how many times.
const STOP_LOOKS: (Duration, u32) = (Duration::from_millis(200), 75);
/// The system's number for a service that it does not know.
const NO_SUCH_SERVICE: i32 = 1060;

/// What came of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// It runs.
    Started,
    /// It waits: this host is not enrolled yet.
    Waits,
}

/// Why the service cannot be installed, taken away or run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The service manager or the file system said no.
    #[error("{what}: {why}")]
    Refused {
        /// The file or the service.
        what: String,
        /// The system's reason.
        why: io::Error,
    },
}

/// Settings of the service that this process is; the service manager's entry point takes no other.
static CONFIG: OnceLock<Config> = OnceLock::new();

define_windows_service!(entry, serve);

/// Copies this program to its place, closes the state directory, and makes the service or replaces it.
pub fn install(config: &Config, config_file: Option<&Path>) -> Result<Installed, ServiceError> {
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let access = ServiceAccess::ALL_ACCESS;
    let existing = existing(&manager, access)?;
    if let Some(service) = &existing {
        stop(service)?;
    }
    place_program()?;
    let state = &config.state;
    system::private_directory(state)
        .and_then(|()| system::own(state))
        .and_then(|()| system::close(state))
        .map_err(|why| refused(state.display(), why))?;
    let info = service_info(config_file);
    let service = match existing {
        Some(service) => service.change_config(&info).map(|()| service),
        None => manager.create_service(&info, access),
    };
    let service = service.map_err(refused_service)?;
    set_habits(&service);
    if IdentityStore::at(state).current().ok().flatten().is_none() {
        return Ok(Installed::Waits);
    }
    service.start::<OsString>(&[]).map_err(refused_service)?;
    Ok(Installed::Started)
}

/// Stops the service and takes it away; whether there was one. The program and what it keeps stay.
pub fn uninstall() -> Result<bool, ServiceError> {
    let manager = manager(ServiceManagerAccess::CONNECT)?;
    let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
    let Some(service) = existing(&manager, access)? else { return Ok(false) };
    stop(&service)?;
    service.delete().map_err(refused_service)?;
    Ok(true)
}

/// Runs as a service until the service manager stops it. Fails where no service manager started this process.
pub fn run(config: Config) -> Result<(), ServiceError> {
    CONFIG.get_or_init(|| config);
    service_dispatcher::start(NAME, entry).map_err(refused_service)
}

/// The service's own thread.
fn serve(_arguments: Vec<OsString>) {
    let Some(config) = CONFIG.get() else { return };
    let (sender, mut asked) = watch::channel(None);
    let handler = move |control| {
        let stop = match control {
            ServiceControl::Stop => Stop::Person,
            ServiceControl::Preshutdown | ServiceControl::Shutdown => Stop::Host,
            ServiceControl::Interrogate => return ServiceControlHandlerResult::NoError,
            _ => return ServiceControlHandlerResult::NotImplemented,
        };
        // Nobody listens any more only when it stops already.
        sender.send(Some(stop)).ok();
        ServiceControlHandlerResult::NoError
    };
    let handle = match service_control_handler::register(NAME, handler) {
        Ok(handle) => handle,
        Err(error) => {
            tracing::error!(%error, "the service manager does not listen");
            return;
        }
    };
    let tell = |state, exit_code| {
        if let Err(error) = handle.set_service_status(status(state, exit_code)) {
            tracing::warn!(%error, "the service manager was not told");
        }
    };
    tell(ServiceState::Running, 0);
    let until = async {
        let stop = asked.wait_for(Option::is_some).await.ok().and_then(|stop| *stop);
        tell(ServiceState::StopPending, 0);
        stop.unwrap_or(Stop::Person)
    };
    let ended = app::run_until(config.clone(), until);
    if let Err(trouble) = &ended {
        tracing::error!(why = %trouble, "agent cannot run");
    }
    tell(ServiceState::Stopped, u32::from(ended.is_err()));
}

fn status(state: ServiceState, exit_code: u32) -> ServiceStatus {
    let accepted = match state {
        ServiceState::Running => ServiceControlAccept::STOP | ServiceControlAccept::PRESHUTDOWN,
        _ => ServiceControlAccept::empty(),
    };
    let wait_hint = if state == ServiceState::StopPending { STOP_TIMEOUT } else { Duration::ZERO };
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: accepted,
        exit_code: if exit_code == 0 {
            ServiceExitCode::NO_ERROR
        } else {
            ServiceExitCode::ServiceSpecific(exit_code)
        },
        checkpoint: 0,
        wait_hint,
        process_id: None,
    }
}

fn service_info(config_file: Option<&Path>) -> ServiceInfo {
    let given = config_file.into_iter().flat_map(|file| ["--config".into(), file.as_os_str().to_owned()]);
    ServiceInfo {
        name: NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: PROGRAM.into(),
        launch_arguments: given.chain(["service".into()]).collect(),
        dependencies: vec![],
        account_name: None,
        account_password: None,
    }
}

/// What is good to have and no reason to fail.
fn set_habits(service: &Service) {
    let restart = ServiceAction { action_type: ServiceActionType::Restart, delay: RESTART_AFTER };
    let failures = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FAILURES_FORGOTTEN_AFTER),
        reboot_msg: None,
        command: None,
        actions: Some(vec![restart; 3]),
    };
    let set = [
        service.set_description(DESCRIPTION),
        service.update_failure_actions(failures),
        service.set_failure_actions_on_non_crash_failures(true),
        service.set_preshutdown_timeout(STOP_TIMEOUT),
    ];
    for error in set.into_iter().filter_map(Result::err) {
        tracing::warn!(%error, "the service manager did not take a setting");
    }
}

fn place_program() -> Result<(), ServiceError> {
    let (own, place) = (std::env::current_exe(), Path::new(PROGRAM));
    let own = own.map_err(|why| refused("tram-agent.exe", why))?;
    if own == place {
        return Ok(());
    }
    let copied = fs::create_dir_all(place.parent().unwrap_or(place)).and_then(|()| fs::copy(&own, place));
    copied.map(drop).map_err(|why| refused(PROGRAM, why))
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, ServiceError> {
    ServiceManager::local_computer(None::<&str>, access).map_err(refused_service)
}

fn existing(manager: &ServiceManager, access: ServiceAccess) -> Result<Option<Service>, ServiceError> {
    match manager.open_service(NAME, access) {
        Ok(service) => Ok(Some(service)),
        Err(windows_service::Error::Winapi(error)) if error.raw_os_error() == Some(NO_SUCH_SERVICE) => {
            Ok(None)
        }
        Err(error) => Err(refused_service(error)),
    }
}

/// Stops a service that runs, and waits until it has.
fn stop(service: &Service) -> Result<(), ServiceError> {
    let is_stopped = || {
        service
            .query_status()
            .map(|status| status.current_state == ServiceState::Stopped)
            .map_err(refused_service)
    };
    if is_stopped()? {
        return Ok(());
    }
    service.stop().map_err(refused_service)?;
    let (apart, looks) = STOP_LOOKS;
    for _ in 0..looks {
        if is_stopped()? {
            return Ok(());
        }
        std::thread::sleep(apart);
    }
    Err(refused(NAME, io::ErrorKind::TimedOut.into()))
}

fn refused(what: impl ToString, why: io::Error) -> ServiceError {
    ServiceError::Refused { what: what.to_string(), why }
}

fn refused_service(error: windows_service::Error) -> ServiceError {
    let why = match error {
        windows_service::Error::Winapi(error) => error,
        other => io::Error::other(other),
    };
    refused(NAME, why)
}
