//! The commands that only Windows has: the agent as its service. What is asked, and what is said in both languages.

use super::texts::Texts;
use super::{complain, say};
use crate::config::{Config, Language};
use crate::service::{self, Installed, ServiceError};
use clap::Command;
use std::path::Path;
use std::process::ExitCode;

/// What to do about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServiceOrder {
    /// Put it in place.
    Install,
    /// Take it away.
    Uninstall,
    /// Be it: only the service manager asks.
    Run,
}

/// Adds the commands.
pub(super) fn with_orders(
    command: Command,
    language: Language,
    of: impl Fn(&'static str, &'static str) -> Command,
) -> Command {
    let (install, uninstall, run) = match language {
        Language::Vietnamese => (
            "Cài tác tử thành dịch vụ của Windows; chạy với quyền quản trị",
            "Dừng và gỡ dịch vụ; dữ liệu được giữ lại",
            "Do trình quản lý dịch vụ gọi",
        ),
        Language::English => (
            "Install the agent as a Windows service; run as administrator",
            "Stop and remove the service; what it keeps stays",
            "Called by the service manager",
        ),
    };
    command
        .subcommand(of("install", install))
        .subcommand(of("uninstall", uninstall))
        .subcommand(of("service", run).hide(true))
}

/// Does it.
pub(super) fn obey(
    order: ServiceOrder,
    config: &Config,
    file: Option<&Path>,
    language: Language,
) -> ExitCode {
    let (vi, en) = match order {
        ServiceOrder::Install => match service::install(config, file) {
            Ok(Installed::Started) => {
                ("Dịch vụ TramAgent đã cài và đang chạy", "The service TramAgent is installed and runs")
            }
            Ok(Installed::Waits) => (
                "Dịch vụ TramAgent đã cài. Hãy ghi danh máy này (tram-agent enroll), rồi chạy: sc start TramAgent",
                "The service TramAgent is installed. Enrol this host (tram-agent enroll), then run: sc start TramAgent",
            ),
            Err(error) => return failure(&error, language),
        },
        ServiceOrder::Uninstall => match service::uninstall() {
            Ok(true) => ("Dịch vụ TramAgent đã được gỡ", "The service TramAgent is removed"),
            Ok(false) => ("Máy này không có dịch vụ TramAgent", "This host has no service TramAgent"),
            Err(error) => return failure(&error, language),
        },
        ServiceOrder::Run => {
            return match service::run(config.clone()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failure(&error, language),
            };
        }
    };
    say(if language == Language::Vietnamese { vi } else { en });
    ExitCode::SUCCESS
}

/// The system's reasons are in its own language; what most often stands in the way is said in the person's.
fn failure(error: &ServiceError, language: Language) -> ExitCode {
    let ServiceError::Refused { what, why } = error;
    let advice = match (why.kind(), language) {
        (std::io::ErrorKind::PermissionDenied, Language::Vietnamese) => " (hãy chạy với quyền quản trị)",
        (std::io::ErrorKind::PermissionDenied, Language::English) => " (run it as administrator)",
        (_, Language::Vietnamese | Language::English) => "",
    };
    complain(Texts::of(language), &format!("{what}: {why}{advice}"), 1)
}
