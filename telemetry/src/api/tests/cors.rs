//! Which pages a browser lets read the APIs: none by default, and those that were named.

use super::*;
use crate::Origins;

/// The answer's header for a page of `origin`, to a question or to what a browser asks before one.
async fn allowed(router: axum::Router, method: &str, origin: &str) -> Option<String> {
    let request = Request::builder()
        .method(method)
        .uri("/tempo/api/echo")
        .header(header::ORIGIN, origin)
        .header(header::ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "x-query-tags")
        .body(Body::empty())
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    let header = response.headers().get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    header.map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn no_page_may_read_unless_it_was_named() {
    let router = || telemetry().router();
    let page = "http://localhost:3000";
    for method in ["GET", "OPTIONS"] {
        assert_eq!(allowed(router(), method, page).await, None);
        let only: Origins = page.parse().unwrap();
        assert_eq!(
            allowed(only.allow(router()), method, page).await.as_deref(),
            Some(page)
        );
        let other = allowed(only.allow(router()), method, "http://evil.example").await;
        assert_eq!(other, None);
        let any = Origins::Any.allow(router());
        assert_eq!(allowed(any, method, page).await.as_deref(), Some("*"));
    }
}

#[tokio::test]
async fn a_page_may_read_where_its_query_is_wrong() {
    let router = Origins::Any.allow(telemetry().router());
    let request = Request::get("/tempo/api/search?q=%7B%21")
        .header(header::ORIGIN, "http://localhost:3000")
        .body(Body::empty())
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let headers = response.headers();
    assert!(headers.contains_key("x-error-position"));
    assert_eq!(
        headers[header::ACCESS_CONTROL_EXPOSE_HEADERS],
        "x-error-position"
    );
}
