//! Settings: flags, then `DRILL_*` environment (both through clap), then `drill.toml` in the folder
//! that the command runs in.

pub mod glass;
pub mod tour;
mod written;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use telemetry::Origins;

use crate::exit::Failure;
use glass::ThemeWish;

/// Name of the settings file.
pub const FILE: &str = "drill.toml";

/// What `drill.toml` may say. Every key has a flag of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Folder for drills.
    pub logs: Option<PathBuf>,
    /// Address of the HTTP API.
    pub listen: Option<String>,
    /// Web pages that may read the telemetry APIs.
    pub cors: Option<String>,
    /// Address for OTLP over gRPC.
    pub otlp_grpc: Option<String>,
    /// Who is told of alerts, in Alertmanager's JSON.
    pub webhook: Option<String>,
    /// Who is told of alerts, in Slack's.
    pub slack_webhook: Option<String>,
    /// Difficulty, 1 to 4.
    pub level: Option<u8>,
    /// Database URL for the shop.
    pub database_url: Option<String>,
    /// Folder with further scenarios.
    pub scenarios: Option<PathBuf>,
    /// Colours: a name, or a file of one's own.
    pub theme: Option<String>,
    /// A file with keys of one's own.
    pub keys: Option<PathBuf>,
}

/// Reads the settings file, if there is one.
///
/// # Errors
/// A usage failure with line and column when it is not what it should be.
pub fn load(folder: &Path) -> Result<Settings, Failure> {
    let path = folder.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Settings::default());
        }
        Err(error) => return Err(Failure::failed(format!("{FILE} cannot be read: {error}"))),
    };
    let settings: Settings = toml::from_str(&text).map_err(|error| {
        Failure::usage(
            format!("{FILE} is not right: {}", error.to_string().trim_end()),
            "correct the line, or move the file away; keys are logs, listen, cors, otlp_grpc, webhook, slack_webhook, level, database_url, scenarios, theme, keys",
        )
    })?;
    settings.check()?;
    Ok(settings)
}

impl Settings {
    /// The colours that the file asks for.
    fn theme_wish(&self) -> Option<ThemeWish> {
        self.theme.as_ref()?.parse().ok()
    }

    /// What the flags check, for the values of the file.
    fn check(&self) -> Result<(), Failure> {
        let wrong = |key: &str, remedy: &str| {
            Err(Failure::usage(
                format!("{FILE} is not right: the value of `{key}` cannot be used"),
                remedy,
            ))
        };
        if self.level.is_some_and(|level| !(1..=4).contains(&level)) {
            return wrong(
                "level",
                "write 1 (intern), 2 (junior), 3 (senior) or 4 (staff)",
            );
        }
        for (key, address) in [("listen", &self.listen), ("otlp_grpc", &self.otlp_grpc)] {
            if let Some(address) = address
                && address.parse::<std::net::SocketAddr>().is_err()
            {
                return wrong(key, "write an address and a port, as in 127.0.0.1:8080");
            }
        }
        if let Some(Err(error)) = self.cors.as_ref().map(|text| text.parse::<Origins>()) {
            return wrong("cors", &error.to_string());
        }
        for (key, url) in [
            ("webhook", &self.webhook),
            ("slack_webhook", &self.slack_webhook),
        ] {
            if let Some(Err(error)) = url.as_deref().map(crate::cli::webhook) {
                return wrong(key, &error.to_string());
            }
        }
        if let Some(Err(remedy)) = self.theme.as_ref().map(|text| text.parse::<ThemeWish>()) {
            return wrong("theme", &remedy);
        }
        match self.database_url.as_deref().map(crate::cli::database_url) {
            Some(Err(remedy)) => wrong("database_url", &remedy),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_means_defaults() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()).unwrap(), Settings::default());
    }

    #[test]
    fn a_misspelt_key_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "level = 2\nlog = \"x\"\n").unwrap();
        let failure = load(folder.path()).unwrap_err();
        assert!(
            failure.message.contains("line 2") && failure.message.contains("log"),
            "{}",
            failure.message
        );
        assert_eq!(failure.code, crate::exit::USAGE);
    }

    #[test]
    fn values_that_cannot_be_used_are_refused_like_those_of_flags() {
        let folder = tempfile::tempdir().unwrap();
        for (line, key) in [
            ("level = 0", "level"),
            ("level = 9", "level"),
            ("listen = \"here\"", "listen"),
            ("cors = \"localhost\"", "cors"),
            ("otlp_grpc = \"4317\"", "otlp_grpc"),
            ("webhook = \"hooks.example.com\"", "webhook"),
            ("slack_webhook = \"ftp://a\"", "slack_webhook"),
            ("database_url = \"mysql://db\"", "database_url"),
            ("theme = \"pink\"", "theme"),
        ] {
            std::fs::write(folder.path().join(FILE), line).unwrap();
            let failure = load(folder.path()).unwrap_err();
            assert!(failure.message.contains(key), "{}", failure.message);
            assert!(failure.remedy.is_some() && failure.code == crate::exit::USAGE);
        }
        let fine = "level = 4\nlisten = \"127.0.0.1:0\"\ndatabase_url = \"postgres://db/shop\"\n";
        std::fs::write(folder.path().join(FILE), fine).unwrap();
        assert_eq!(load(folder.path()).unwrap().level, Some(4));
    }
}
