//! Which web pages may read the APIs from a browser: none unless somebody names them. Knows no routes.

use std::str::FromStr;

use axum::Router;
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// The web pages that may read, by origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origins {
    /// All of them.
    Any,
    /// These, as browsers write them: `http://localhost:3000`.
    Only(Vec<HeaderValue>),
}

/// Why a text names no origins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no origin: write scheme, host and port as in http://localhost:3000, or * for all"
)]
pub struct OriginsInvalid(String);

impl FromStr for Origins {
    type Err = OriginsInvalid;

    /// `*`, or origins with commas between them.
    fn from_str(text: &str) -> Result<Self, OriginsInvalid> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let one = |text: &str| {
            let text = text.trim();
            let invalid = || OriginsInvalid(text.to_owned());
            let host = ["http://", "https://"]
                .iter()
                .find_map(|scheme| text.strip_prefix(scheme))
                .ok_or_else(invalid)?;
            let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | '?' | '#' | '@' | '*');
            if host.is_empty() || !host.chars().all(plain) {
                return Err(invalid());
            }
            // a browser writes hosts in lower case
            HeaderValue::from_str(&text.to_ascii_lowercase()).map_err(|_| invalid())
        };
        text.split(',')
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self::Only)
    }
}

impl Origins {
    /// Lets their pages ask these routes and read the answers, with where a query is wrong. Pages never
    /// send credentials: there are none.
    pub fn allow(&self, router: Router) -> Router {
        let origins = match self {
            Self::Any => AllowOrigin::any(),
            Self::Only(origins) => AllowOrigin::list(origins.clone()),
        };
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([HeaderName::from_static("x-error-position")]);
        router.layer(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_write() {
        assert_eq!("*".parse(), Ok(Origins::Any));
        let two: Origins = "http://localhost:3000, https://Grafana.example"
            .parse()
            .unwrap();
        let header = HeaderValue::from_static;
        assert_eq!(
            two,
            Origins::Only(vec![
                header("http://localhost:3000"),
                header("https://grafana.example")
            ])
        );
        for junk in [
            "",
            "localhost:3000",
            "http://",
            "http://a/b",
            "ftp://a",
            "http://a,",
            "http://*.a",
            "http://a b",
            "http://ä",
        ] {
            assert!(junk.parse::<Origins>().is_err(), "{junk:?}");
        }
    }
}
