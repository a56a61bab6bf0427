//! What is known of the part that an alert is about: kept with the alert, so that who reads it needs nothing else, even
//! when the part is long gone. Pure.

use crate::alert::AlertChange;
use crate::health::{BuiltIn, component};
use crate::model::alert::{Alert, AlertState};
use crate::model::component::{Component, ComponentState};
use crate::model::missing::Missing;
use std::sync::Arc;

/// Notes on firing alerts, and on their changes before these are written, what their parts say now. A part that says
/// something new makes a change of its own.
pub fn describe(
    alerts: &mut [Alert],
    components: &[Component],
    missing: &[Missing],
    changes: &mut Vec<AlertChange>,
) {
    for alert in alerts.iter_mut().filter(|alert| alert.state == AlertState::Firing) {
        let mut parts: Box<dyn Iterator<Item = &Component>> = match BuiltIn::from_id(alert.rule) {
            Some(BuiltIn::ComponentHealth) => Box::new(components.iter().filter(|part| is_unwell(part))),
            Some(BuiltIn::ComponentMissing) => Box::new(missing.iter().map(|gone| &gone.component)),
            Some(_) | None => continue,
        };
        let Some(part) = parts.find(|part| component::is_named(part, &alert.part)) else { continue };
        if alert.component.as_deref().is_some_and(|known| says_the_same(known, part)) {
            continue;
        }
        alert.component = Some(Arc::new(part.clone()));
        match changes.iter_mut().map(AlertChange::alert_mut).find(|changed| changed.id == alert.id) {
            Some(changed) => changed.component.clone_from(&alert.component),
            None => changes.push(AlertChange::Updated(alert.clone())),
        }
    }
}

/// What is well, or cannot be read now, says nothing of why the alert fired.
fn is_unwell(part: &Component) -> bool {
    !matches!(part.state, ComponentState::Ok | ComponentState::Unknown)
}

/// Figures may move: they are told with what else is new.
fn says_the_same(known: &Component, part: &Component) -> bool {
    let texts =
        |part: &'_ Component| (part.id.clone(), part.name.clone(), part.model.clone(), part.serial.clone());
    known.state == part.state && known.reasons == part.reasons && texts(known) == texts(part)
}
