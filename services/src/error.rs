//! Why a service cannot start or cannot do what it was told. Errors of single requests are in
//! `problem` and `peer`.

use scenarios::shop::Role;

/// Why a service cannot start or refuses a command.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Standard input is not a control socket.
    #[error(
        "this command is started by the lab and reads its orders from a socket; run `drill` instead"
    )]
    NoControlSocket,
    /// The first line was not a start command.
    #[error("the control socket does not begin with a start command: {0}")]
    NoStart(String),
    /// The control socket failed.
    #[error("the control socket failed")]
    Control(#[source] std::io::Error),
    /// No port could be bound.
    #[error("cannot listen on 127.0.0.1")]
    Listen(#[source] std::io::Error),
    /// The runtime or a thread could not be started.
    #[error("cannot start {what}")]
    Thread {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The system refused something.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The exporters could not be built.
    #[error("cannot export telemetry to {endpoint}: {reason}")]
    Export {
        /// Where to.
        endpoint: String,
        /// Why.
        reason: String,
    },
    /// A role that keeps data was given no database.
    #[error("{0} keeps data and was given no database")]
    NoDatabase(Role),
    /// The database could not be opened, or a statement failed.
    #[error("database: {what}")]
    Database {
        /// What was tried.
        what: String,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// The address of a called service is none.
    #[error("the address of {role} is no `http` URL of an address and port: `{address}`")]
    Address {
        /// Called service.
        role: Role,
        /// What was given.
        address: String,
    },
    /// A setting that this role does not have.
    #[error("{role} has no setting {setting}")]
    ForeignSetting {
        /// Who was asked.
        role: Role,
        /// Name and value.
        setting: String,
    },
    /// A value out of bounds.
    #[error("{setting}: {reason}")]
    SettingValue {
        /// Name and value.
        setting: String,
        /// Bounds.
        reason: String,
    },
}
