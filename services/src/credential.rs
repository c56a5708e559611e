//! Who is calling: every service presents a credential with each call, made from its role and a key
//! that all of them have. Those from outside have none.
//!
//! It keeps honest callers apart and nothing else: the shop is one machine, and nobody forges.

use axum::http::{HeaderMap, HeaderValue, header};
use scenarios::shop::Role;

/// What all services share.
const KEY: &[u8] = b"shop-2031-07";
/// How a credential begins in its header.
const SCHEME: &str = "Bearer ";

/// The credential of a role, as the value of `authorization`.
#[must_use]
pub fn of(role: Role) -> HeaderValue {
    let value = format!("{SCHEME}{}", token(role));
    HeaderValue::from_str(&value).expect("a role's name and digits are visible ASCII")
}

/// Whose credential a request carries; `None` without one, or with one that is none.
#[must_use]
pub fn caller(headers: &HeaderMap) -> Option<Role> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let given = value.strip_prefix(SCHEME)?;
    let name = given.split('.').next()?;
    let role = Role::ALL.into_iter().find(|role| role.name() == name)?;
    (given == token(role)).then_some(role)
}

/// `ROLE.DIGEST`, the digest being FNV-1a of key and name.
fn token(role: Role) -> String {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let digest = KEY
        .iter()
        .chain(role.name().as_bytes())
        .fold(OFFSET, |digest, byte| {
            (digest ^ u64::from(*byte)).wrapping_mul(PRIME)
        });
    format!("{role}.{digest:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(value: &str) -> Option<Role> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        caller(&headers)
    }

    #[test]
    fn a_credential_tells_its_role_and_nothing_else_is_one() {
        for role in Role::ALL {
            assert_eq!(presented(of(role).to_str().unwrap()), Some(role));
        }
        let checkout = of(Role::Checkout).to_str().unwrap().to_owned();
        assert_eq!(presented(&checkout.replace("checkout", "orders")), None);
        assert_eq!(presented(&checkout[..checkout.len() - 1]), None);
        for other in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer checkout",
            "Basic Zm9vOmJhcg==",
        ] {
            assert_eq!(presented(other), None, "{other}");
        }
        assert_eq!(caller(&HeaderMap::new()), None);
    }
}
