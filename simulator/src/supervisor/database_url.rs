//! The address in a PostgreSQL URL: where it points, and the same URL pointing elsewhere. Pure.
//!
//! A URL without a host, or with one that is a folder, means a socket file of this machine. That is no
//! link: nothing can be put in between, and it stays as it is.

use std::net::SocketAddr;

/// Port of PostgreSQL.
const PORT: &str = "5432";
/// Parameters that say where to connect to, before what stands in front of the path.
const PLACES: [&str; 3] = ["host", "hostaddr", "port"];

/// A URL whose server is reached over TCP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DatabaseUrl {
    /// `postgres://user:password@`.
    before: String,
    /// `host:port`.
    pub server: String,
    /// Path and parameters that do not say where.
    after: String,
}

impl DatabaseUrl {
    /// Takes it apart; `None` when its server is not reached over TCP, or must be reached under the name in its certificate.
    pub(super) fn of(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (authority, tail) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        // a password may hold an @ that is not escaped
        let (user, place) = match authority.rfind('@') {
            Some(at) => authority.split_at(at + 1),
            None => ("", authority),
        };
        let (host, port) = split(place);
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let (places, others): (Vec<_>, Vec<_>) = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .partition(|pair| PLACES.iter().any(|name| named(pair, name).is_some()));
        // of two that say the same the last counts, as for the client
        let given = |name| places.iter().rev().find_map(|pair| named(pair, name));
        let host = given("hostaddr").or_else(|| given("host")).unwrap_or(host);
        let port = given("port").or(port).unwrap_or(PORT);
        // an escape in a host is that of a folder's slashes
        // the name in its certificate would not be that of the link
        if others.contains(&"sslmode=verify-full") {
            return None;
        }
        if host.is_empty() || host.starts_with('/') || host.contains('%') {
            return None;
        }
        let after = match others.join("&") {
            others if others.is_empty() => path.to_owned(),
            others => format!("{path}?{others}"),
        };
        let server = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]:{port}")
        } else {
            format!("{host}:{port}")
        };
        Some(Self {
            before: format!("{scheme}://{user}"),
            server,
            after,
        })
    }

    /// The same by way of another address.
    pub(super) fn by_way_of(&self, address: SocketAddr) -> String {
        format!("{}{address}{}", self.before, self.after)
    }
}

/// Host, which may be an address in brackets, and port.
fn split(place: &str) -> (&str, Option<&str>) {
    let after_host = place.rfind(']').unwrap_or(0);
    match place[after_host..].rfind(':') {
        Some(at) => {
            let (host, port) = place.split_at(after_host + at);
            (host, Some(&port[1..]).filter(|port| !port.is_empty()))
        }
        None => (place, None),
    }
}

/// Value of a pair of this name.
fn named<'a>(pair: &'a str, name: &str) -> Option<&'a str> {
    let (key, value) = pair.split_once('=')?;
    (key == name).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_server_of_a_url_is_replaced() {
        let proxy = SocketAddr::from(([127, 0, 0, 1], 4001));
        for (url, server, by_way) in [
            ("postgres://db", "db:5432", "postgres://127.0.0.1:4001"),
            (
                "postgresql://me:p@ss@db.example:6000/shop?sslmode=disable&application_name=x",
                "db.example:6000",
                "postgresql://me:p@ss@127.0.0.1:4001/shop?sslmode=disable&application_name=x",
            ),
            (
                "postgres://me@[::1]:6000/shop",
                "[::1]:6000",
                "postgres://me@127.0.0.1:4001/shop",
            ),
            (
                "postgres://me@[::1]/",
                "[::1]:5432",
                "postgres://me@127.0.0.1:4001/",
            ),
            (
                "postgres://me@here/shop?host=there&port=7&user=you",
                "there:7",
                "postgres://me@127.0.0.1:4001/shop?user=you",
            ),
            (
                "postgres:///shop?hostaddr=::1",
                "[::1]:5432",
                "postgres://127.0.0.1:4001/shop",
            ),
            (
                "postgres://db:?a=b",
                "db:5432",
                "postgres://127.0.0.1:4001?a=b",
            ),
        ] {
            let parsed = DatabaseUrl::of(url).unwrap();
            assert_eq!(parsed.server, server, "{url}");
            assert_eq!(parsed.by_way_of(proxy), by_way, "{url}");
        }
    }

    #[test]
    fn a_socket_file_is_no_link() {
        for url in [
            "postgres:///shop",
            "postgres://me@/shop",
            "postgres://%2Fvar%2Frun%2Fpostgresql/shop",
            "postgres:///shop?host=/var/run/postgresql",
            "shop.db",
            "",
        ] {
            assert_eq!(DatabaseUrl::of(url), None, "{url}");
        }
    }
}
