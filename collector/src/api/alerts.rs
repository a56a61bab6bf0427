//! Alerts: the list, and saying that one has seen one.

use crate::api::caller::{Caller, Changed};
use crate::api::current;
use crate::api::error::ApiError;
use crate::api::input::{self, Body, Id, Query};
use crate::api::page::Window;
use crate::api::view::alert::{Acknowledgement, Alert, AlertState, NewAcknowledgement, Severity};
use crate::api::view::{Named, Page, Problem, Text};
use crate::latest::{Effect, Kept, Latest};
use crate::model::agency::{AgencyId, SiteId};
use crate::model::agent::AgentState;
use crate::model::alert::{self as model, AlertId};
use crate::model::asset::AssetId;
use crate::model::user::Role;
use crate::store::sqlite::alert::{self, AlertFilter, Place, PlacedAlert};
use crate::texts;
use axum::Json;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use utoipa::IntoParams;

/// Bits of a key for the places among one asset's alerts.
const PENDING_BITS: u32 = 16;

/// Which alerts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlertParams {
    /// Items on a page: 1 to 500, 100 unless told.
    pub limit: Option<u32>,
    /// Where to go on: `next` of the page before.
    pub cursor: Option<String>,
    /// Only those in this state. Without it, all that ever fired.
    #[param(inline)]
    pub state: Option<AlertState>,
    /// Only those of this severity.
    #[param(inline)]
    pub severity: Option<Severity>,
    /// Only those of this asset.
    pub asset: Option<i64>,
    /// Only those of this agency and of the agencies below it.
    pub agency: Option<i64>,
    /// Only those of this site.
    pub site: Option<i64>,
}

/// Alerts within the caller's scope, newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(AlertParams), responses((status = 200, body = Page<Alert>)))]
pub async fn list(caller: Caller, Query(params): Query<AlertParams>) -> Result<Json<Page<Alert>>, ApiError> {
    let window = Window::new(params.limit, params.cursor.as_deref())?;
    let filter = AlertFilter {
        state: params.state.map(Into::into),
        severity: params.severity.map(Into::into),
        asset: params.asset.map(AssetId),
        agency: params.agency.map(AgencyId),
        site: params.site.map(SiteId),
    };
    if filter.state == Some(model::AlertState::Pending) {
        return pending(&caller, filter, window).await;
    }
    let read = caller
        .read(move |connection, scope| alert::page(connection, scope, filter, window.after, window.rows()));
    let rows = read.await?;
    Ok(Json(window.page(rows, |row| row.alert.id.map_or(0, |id| id.0), view)))
}

/// Alerts that are pending live in memory only; of the assets with the highest ids first.
async fn pending(
    caller: &Caller,
    filter: AlertFilter,
    window: Window,
) -> Result<Json<Page<Alert>>, ApiError> {
    let latest = Arc::clone(&caller.state().latest);
    let read = caller.read(move |connection, scope| {
        let mut placed = Vec::new();
        for (asset, alerts) in pending_hosts(&latest, filter, window.after) {
            let place = alert::place_of(connection, scope, filter.agency, asset)?;
            let is_there = |place: &Place| filter.site.is_none_or(|site| place.site == site);
            let Some(place) = place.filter(is_there) else { continue };
            let alerts = alerts.iter().enumerate().rev();
            let wanted =
                alerts.map(|(number, alert)| (pending_key(asset, number), alert)).filter(|(key, alert)| {
                    window.after.is_none_or(|after| *key < after) && is_wanted(alert, filter)
                });
            placed.extend(
                wanted.map(|(key, alert)| (key, PlacedAlert { alert: alert.clone(), place: place.clone() })),
            );
            if placed.len() >= window.rows() {
                break;
            }
        }
        placed.truncate(window.rows());
        Ok(placed)
    });
    Ok(Json(window.page(read.await?, |(key, _)| *key, |(_, row)| view(row))))
}

/// Hosts that may have pending alerts behind a key, the highest asset first.
fn pending_hosts(
    latest: &Latest,
    filter: AlertFilter,
    after: Option<i64>,
) -> Vec<(AssetId, Arc<Vec<model::Alert>>)> {
    let mut hosts = Vec::new();
    let mut add = |kept: &Kept| {
        let is_behind = after.is_none_or(|after| pending_key(kept.asset, 0) < after);
        let mut alerts = kept.alerts.iter();
        if kept.state == AgentState::Active && is_behind && alerts.any(|alert| is_wanted(alert, filter)) {
            hosts.push((kept.asset, Arc::clone(&kept.alerts)));
        }
    };
    match filter.asset {
        Some(asset) => latest.look_at(asset, add).unwrap_or_default(),
        None => latest.each(|_, kept| add(kept)),
    }
    hosts.sort_by_key(|(asset, _)| std::cmp::Reverse(*asset));
    hosts
}

fn is_wanted(alert: &model::Alert, filter: AlertFilter) -> bool {
    alert.state == model::AlertState::Pending
        && filter.severity.is_none_or(|severity| alert.severity == severity)
}

/// Where a pending alert stands in the order of pages: by asset, then by its place among the asset's.
fn pending_key(asset: AssetId, number: usize) -> i64 {
    let number = i64::try_from(number).unwrap_or(i64::MAX).min((1 << PENDING_BITS) - 1);
    (asset.0 << PENDING_BITS) | number
}

/// Says that someone has seen an alert. Operators only.
#[utoipa::path(post, path = "/alerts/{id}/acknowledge", tag = "alerts", request_body = NewAcknowledgement,
    params(("id" = i64, Path, description = "the alert")), responses(
    (status = 200, body = Alert),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
pub async fn acknowledge(
    caller: Caller,
    Id(id): Id,
    Body(asked): Body<NewAcknowledgement>,
) -> Result<Json<Alert>, ApiError> {
    caller.needs(Role::Operator)?;
    let note = input::note("note", &asked.note)?;
    let at_ms = caller.state().clock.now_ms();
    let acknowledgement = model::Acknowledgement { by: caller.name.clone(), at_ms, note };
    let change = caller.change("alert.acknowledge", move |transaction, scope| {
        let before = alert::one(transaction, scope, AlertId(id))?;
        if before.alert.state != model::AlertState::Firing {
            return Err(ApiError::Conflict(Text {
                vi: "Cảnh báo đã hết, không còn gì để xác nhận.".to_owned(),
                en: "The alert is resolved: there is nothing to acknowledge.".to_owned(),
            }));
        }
        let value = alert::acknowledge(transaction, scope, AlertId(id), &acknowledgement)?;
        let detail = json!({ "note": acknowledgement.note });
        let asset = value.alert.asset;
        let effects = vec![Effect::AlertAcknowledged { asset, alert: AlertId(id), acknowledgement }];
        Ok(Changed { value, subject: format!("alert:{id}"), detail, effects })
    });
    Ok(Json(view(change.await?)))
}

fn view(row: PlacedAlert) -> Alert {
    let PlacedAlert { alert, place } = row;
    let texts =
        texts::alert(alert.rule, &alert.part, &alert.figures, alert.severity, alert.component.as_deref());
    Alert {
        id: alert.id.map_or(0, |id| id.0),
        rule: alert.rule.0.to_owned(),
        severity: alert.severity.into(),
        state: alert.state.into(),
        asset: Named { id: alert.asset.0, name: place.asset_name },
        site: Named { id: place.site.0, name: place.site_name },
        agency: Named { id: place.agency.0, name: place.agency_name },
        part: alert.part.as_ref().to_owned(),
        title: texts.title.into(),
        detail: texts.detail.into(),
        action: texts.action.into(),
        source: texts.source.into(),
        since_ms: alert.since_ms,
        fired_ms: alert.fired_ms,
        resolved_ms: alert.resolved_ms,
        acknowledged: alert.acknowledged.map(|seen| Acknowledgement {
            by: seen.by,
            at_ms: seen.at_ms,
            note: seen.note,
        }),
        figures: alert.figures,
        component: alert.component.as_deref().map(current::component),
        work_order_id: alert.work_order.map(|order| order.0),
    }
}
