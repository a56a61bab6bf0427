//! People and programs that sign in, what they did, and enrolments, as the API shows them.

use super::{Language, Named};
use crate::model::agency::Scope;
use crate::model::user;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What someone may do; each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// See.
    Viewer,
    /// Acknowledge, plan, enrol.
    Operator,
    /// Manage users, revoke agents.
    Admin,
}

impl From<user::Role> for Role {
    fn from(role: user::Role) -> Self {
        match role {
            user::Role::Viewer => Self::Viewer,
            user::Role::Operator => Self::Operator,
            user::Role::Admin => Self::Admin,
        }
    }
}

/// A name and a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSession {
    /// The user's name.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Session {
    /// The caller.
    pub user: SessionUser,
}

/// The caller: a user, or the bearer of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SessionUser {
    /// Name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The agency whose part of the tree they see; null for everything.
    pub agency_id: Option<i64>,
    /// The language of what they are shown.
    pub language: Language,
}

/// Someone who signs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct User {
    /// Id.
    pub id: i64,
    /// Name to sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The agency whose part of the tree they see; null for everything.
    pub agency_id: Option<i64>,
    /// The language of what they are shown.
    pub language: Language,
}

impl From<user::User> for User {
    fn from(user: user::User) -> Self {
        Self {
            id: user.id.0,
            name: user.name,
            role: user.role.into(),
            agency_id: agency_of(user.scope),
            language: user.language.into(),
        }
    }
}

/// The agency that a scope is limited to.
pub fn agency_of(scope: Scope) -> Option<i64> {
    match scope {
        Scope::All => None,
        Scope::Agency(agency) => Some(agency.0),
    }
}

/// One change, as it was written with the change itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Id; rises with time.
    pub id: i64,
    /// When.
    pub at_ms: i64,
    /// Who: a user, `token:NAME` or `cli:ACCOUNT`.
    pub actor: String,
    /// From which address; empty for the command line.
    pub address: String,
    /// What was done, such as `work_order.change`.
    pub action: String,
    /// To what, such as `work_order:7`.
    pub subject: String,
    /// The change itself, as JSON text.
    pub detail: String,
}

/// A token that lets agents in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Enrollment {
    /// Id.
    pub id: i64,
    /// The agency of the site.
    pub agency: Named,
    /// Where machines that use it are put.
    pub site: Named,
    /// How many more machines may use it.
    pub uses_left: i64,
    /// Until when.
    pub expires_ms: i64,
    /// Who made it.
    pub created_by: String,
}

/// What to make a token for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnrollment {
    /// The agency as a path from the root, such as `Province/District/Commune`; made where absent.
    pub agency: String,
    /// The site's name within the agency; made where absent.
    pub site: String,
    /// How many machines may use it; 1 unless told.
    pub uses: Option<i64>,
    /// For how long, in seconds; a day unless told.
    pub expires_s: Option<i64>,
}

/// A new token: the only time that its text is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EnrollmentToken {
    /// Its record.
    #[serde(flatten)]
    pub enrollment: Enrollment,
    /// The token.
    pub token: String,
    /// The one line that installs and enrols an agent on a Linux machine; while no agent package is served, the line
    /// that enrols one that is installed already.
    pub command: String,
}
