//! The `python` provider, as far as it is the Toolkit's extension for Toxiproxy: each of its functions is a call or two of
//! Toxiproxy's API, at `toxiproxy_url` or `toxiproxy_host` and `toxiproxy_port` of the configuration. No Python is run.

use ::http::{HeaderMap, HeaderValue, Method, header};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{
    http::{self, Answer, Call},
    scene::Scene,
    values,
};
use crate::outward::CallError;

/// Port of the API, where the configuration does not say.
const PORT: u16 = 8474;
/// Modules of the extension.
const TOXICS: &str = "chaostoxi.toxic.actions";
const PROXIES: &str = "chaostoxi.proxy.actions";
const PROBES: &str = "chaostoxi.proxy.probes";

/// A function of the extension.
struct Function {
    module: &'static str,
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// The toxic that it creates, and its attributes with the arguments that they come from.
    toxic: Option<(&'static str, &'static [(&'static str, &'static str)])>,
}

const fn plain(
    module: &'static str,
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Function {
    Function {
        module,
        name,
        required,
        optional,
        toxic: None,
    }
}

const fn toxic(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
    kind: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> Function {
    Function {
        module: TOXICS,
        name,
        required,
        optional,
        toxic: Some((kind, attributes)),
    }
}

/// All of them, misspelt as they are.
const FUNCTIONS: &[Function] = &[
    plain(
        PROXIES,
        "create_proxy",
        &["proxy_name", "upstream_host", "upstream_port"],
        &["listen_host", "listen_port", "enabled"],
    ),
    plain(PROXIES, "disable_proxy", &["proxy_name"], &[]),
    plain(PROXIES, "enable_proxy", &["proxy_name"], &[]),
    plain(
        PROXIES,
        "modify_proxy",
        &["proxy_name"],
        &["listen_address", "upstream_address", "enabled"],
    ),
    plain(PROXIES, "delete_proxy", &["proxy_name"], &[]),
    plain(PROXIES, "reset", &[], &[]),
    plain(PROBES, "proxy_exist", &["proxy_name"], &[]),
    plain(
        PROBES,
        "get_proxy_attribute",
        &["proxy_name", "attribute"],
        &[],
    ),
    plain(TOXICS, "delete_toxic", &["for_proxy", "toxic_name"], &[]),
    plain(
        TOXICS,
        "create_toxic",
        &["for_proxy", "toxic_name", "toxic_type"],
        &["stream", "toxicity", "attributes"],
    ),
    toxic(
        "create_latency_toxic",
        &["for_proxy", "toxic_name", "latency"],
        &["jitter"],
        "latency",
        &[("latency", "latency"), ("jitter", "jitter")],
    ),
    toxic(
        "create_bandwith_degradation_toxic",
        &["for_proxy", "toxic_name", "rate"],
        &[],
        "bandwidth",
        &[("rate", "rate")],
    ),
    toxic(
        "create_slow_connection_close_toxic",
        &["for_proxy", "toxic_name", "delay"],
        &[],
        "slow_close",
        &[("delay", "delay")],
    ),
    toxic(
        "create_timeout_toxic",
        &["for_proxy", "toxic_name", "timeout"],
        &[],
        "timeout",
        &[("timeout", "timeout")],
    ),
    toxic(
        "create_slicer_toxic",
        &[
            "for_proxy",
            "toxic_name",
            "average_size",
            "size_variation",
            "delay",
        ],
        &[],
        "slicer",
        &[
            ("average_size", "average_size"),
            ("size_variation", "size_variation"),
            ("delay", "delay"),
        ],
    ),
    toxic(
        "create_limiter_toxic",
        &["for_proxy", "toxic_name", "bytes_limit"],
        &[],
        "limit_data",
        &[("bytes", "bytes_limit")],
    ),
];

/// What is wrong with a provider of this type; `kind` is that of its activity.
pub(super) fn check(
    provider: &Map<String, Value>,
    (kind, name): (&str, &str),
    problem: &mut impl FnMut(&str, String),
) {
    let text = |key: &str| provider.get(key).and_then(Value::as_str).unwrap_or("");
    let (module, func) = (text("module"), text("func"));
    if module.is_empty() {
        problem(
            "module",
            "a Python activity must have a module path".to_owned(),
        );
        return;
    }
    if func.is_empty() {
        problem(
            "func",
            "a Python activity must have a function name".to_owned(),
        );
        return;
    }
    if ![TOXICS, PROXIES, PROBES].contains(&module) {
        problem(
            "module",
            format!(
                "no Python is run here, so that module '{module}' cannot be used in activity '{name}'; there are only {PROXIES}, \
                 {PROBES} and {TOXICS}, which act on a Toxiproxy: use an http or process provider instead"
            ),
        );
        return;
    }
    let Some(function) = find(module, func) else {
        let message = format!(
            "The python module '{module}' does not expose a function called '{func}' in {kind} '{name}'"
        );
        problem("func", message);
        return;
    };
    let empty = Map::new();
    let arguments = match provider.get("arguments") {
        None | Some(Value::Null) => &empty,
        Some(Value::Object(arguments)) => arguments,
        Some(_) => {
            problem("arguments", "arguments are a mapping".to_owned());
            return;
        }
    };
    for argument in function.required {
        if !arguments.contains_key(*argument) {
            let message =
                format!("required argument '{argument}' is missing from activity '{name}'");
            problem("arguments", message);
        }
    }
    for argument in arguments.keys() {
        let known = function.required.iter().chain(function.optional);
        if !known.into_iter().any(|known| known == argument) {
            let message = format!(
                "argument '{argument}' is not part of the function signature in activity '{name}'"
            );
            problem("arguments", message);
        }
    }
}

fn find(module: &str, name: &str) -> Option<&'static Function> {
    let named = |function: &&Function| function.module == module && function.name == name;
    FUNCTIONS.iter().find(named)
}

/// Where the API is, by the configuration.
///
/// # Errors
/// The configuration does not say.
pub(super) fn base(configuration: &Map<String, Value>) -> Result<String, String> {
    let given = |name: &str| {
        let value = configuration.get(name).filter(|value| values::truth(value));
        value.map(values::text)
    };
    match (given("toxiproxy_url"), given("toxiproxy_host")) {
        (Some(url), _) => Ok(url.trim_end_matches('/').to_owned()),
        (None, Some(host)) => {
            let port = given("toxiproxy_port").unwrap_or_else(|| PORT.to_string());
            Ok(format!("http://{host}:{port}"))
        }
        (None, None) => Err(
            "the configuration must say where Toxiproxy's API is: toxiproxy_host and toxiproxy_port, or toxiproxy_url"
                .to_owned(),
        ),
    }
}

/// Calls the function.
///
/// # Errors
/// Where the extension's function raises: no connection, or the API refuses.
pub(super) async fn run(scene: &Scene<'_>, activity: &Value) -> Result<Value, String> {
    let provider = &activity["provider"];
    let text = |key: &str| provider[key].as_str().unwrap_or("");
    let function = find(text("module"), text("func"));
    let function = function.ok_or("there is no such function")?;
    let arguments = scene.fill(&provider["arguments"]);
    let api = Api {
        scene,
        base: base(&scene.configuration())?,
        arguments: &arguments,
    };
    match function.module {
        TOXICS => api.toxics(function).await,
        PROXIES => api.proxies(function.name).await,
        _ => api.probes(function.name).await,
    }
}

/// One function's view of the API.
struct Api<'a> {
    scene: &'a Scene<'a>,
    base: String,
    arguments: &'a Value,
}

impl Api<'_> {
    /// An argument, or a default for it.
    fn or(&self, name: &str, default: Value) -> Value {
        self.arguments.get(name).cloned().unwrap_or(default)
    }

    async fn toxics(&self, function: &Function) -> Result<Value, String> {
        if function.name == "delete_toxic" {
            let path = format!(
                "{}/toxics/{}",
                self.proxy("for_proxy"),
                self.segment("toxic_name")
            );
            let answer = self.call(Method::DELETE, &path, None).await?;
            return Ok(json!(answer.status.is_success()));
        }
        let Some((kind, attributes)) = function.toxic else {
            return self
                .create_toxic(
                    self.arguments["toxic_type"].clone(),
                    self.or("stream", json!("downstream")),
                    self.or("toxicity", json!(1.0)),
                    self.or("attributes", Value::Null),
                )
                .await;
        };
        let attributes: Map<String, Value> = attributes
            .iter()
            .map(|(attribute, argument)| ((*attribute).to_owned(), self.or(argument, json!(0))))
            .collect();
        let (stream, toxicity) = (json!("downstream"), json!(1.0));
        self.create_toxic(json!(kind), stream, toxicity, json!(attributes))
            .await
    }

    async fn proxies(&self, name: &str) -> Result<Value, String> {
        match name {
            "create_proxy" => self.create_proxy().await,
            "disable_proxy" => self.modify(json!({ "enabled": false })).await,
            "enable_proxy" => self.modify(json!({ "enabled": true })).await,
            "modify_proxy" => {
                let change: Map<String, Value> = [
                    ("listen", "listen_address"),
                    ("upstream", "upstream_address"),
                    ("enabled", "enabled"),
                ]
                .into_iter()
                .filter_map(|(field, argument)| {
                    let value = self.arguments.get(argument);
                    let value = value.filter(|value| !value.is_null())?;
                    Some((field.to_owned(), value.clone()))
                })
                .collect();
                self.modify(json!(change)).await
            }
            "delete_proxy" => {
                let path = self.proxy("proxy_name");
                let done = self.call(Method::DELETE, &path, None).await;
                if !done.is_ok_and(|answer| answer.status.is_success()) {
                    self.scene
                        .warn(&format!("Unable to remove proxy with: {}{path}", self.base));
                }
                Ok(Value::Null)
            }
            "reset" => {
                let answer = self.call(Method::POST, "/reset", None).await?;
                Ok(json!(answer.status.is_success()))
            }
            other => Err(format!("there is no function {other}")),
        }
    }

    async fn probes(&self, name: &str) -> Result<Value, String> {
        let proxy = self.read().await?;
        if name == "proxy_exist" {
            let named = |proxy: Value| proxy["name"] == self.arguments["proxy_name"];
            return Ok(json!(proxy.is_some_and(named)));
        }
        let Some(proxy) = proxy else {
            return Ok(Value::Null);
        };
        let attribute = values::text(&self.arguments["attribute"]);
        let value = proxy.get(&attribute).cloned();
        value.ok_or_else(|| format!("the proxy has no attribute '{attribute}'"))
    }

    /// An argument as one segment of a path.
    fn segment(&self, argument: &str) -> String {
        let text = values::text(&self.arguments[argument]);
        let set = percent_encoding::NON_ALPHANUMERIC;
        percent_encoding::utf8_percent_encode(&text, set).to_string()
    }

    /// The path of the proxy that an argument names.
    fn proxy(&self, argument: &str) -> String {
        format!("/proxies/{}", self.segment(argument))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, String> {
        let url = http::address(&format!("{}{path}", self.base));
        let mut headers = HeaderMap::new();
        if body.is_some() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        let call = Call {
            method,
            url: url.map_err(|error| error.to_string())?,
            headers,
            body: body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())),
            connect: None,
            answer: None,
        };
        let answer = http::exchange(&self.scene.dialer, call).await;
        answer.map_err(|error: CallError| error.to_string())
    }

    /// A call whose answer is a JSON object.
    async fn object(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let answer = self.call(method, path, body).await?;
        if !answer.status.is_success() {
            return Err(format!(
                "Toxiproxy answered with {}: {}",
                answer.status,
                answer.text().trim()
            ));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| format!("Toxiproxy's answer is no JSON: {error}"))
    }

    async fn create_toxic(
        &self,
        kind: Value,
        stream: Value,
        toxicity: Value,
        attributes: Value,
    ) -> Result<Value, String> {
        let name = &self.arguments["toxic_name"];
        let toxic = json!({
            "name": name, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes,
        });
        let path = format!("{}/toxics", self.proxy("for_proxy"));
        let made = self.object(Method::POST, &path, Some(&toxic)).await;
        let made = made.map_err(|error| {
            let proxy = values::text(&self.arguments["for_proxy"]);
            format!("Unable to create toxic for proxy: {proxy}: {error}")
        })?;
        Ok(json!(made["name"] == *name))
    }

    async fn create_proxy(&self) -> Result<Value, String> {
        let or = |name: &str, default: &str| {
            let given = self.arguments.get(name).map(values::text);
            given.unwrap_or_else(|| default.to_owned())
        };
        let proxy = json!({
            "name": self.arguments["proxy_name"],
            "listen": format!("{}:{}", or("listen_host", "0.0.0.0"), or("listen_port", "0")),
            "upstream": format!("{}:{}", self.upstream("upstream_host")?, self.upstream("upstream_port")?),
            "enabled": self.arguments.get("enabled").unwrap_or(&Value::Bool(true)),
        });
        let made = self.object(Method::POST, "/proxies", Some(&proxy)).await?;
        self.export_port(&made)
    }

    async fn modify(&self, change: Value) -> Result<Value, String> {
        let path = self.proxy("proxy_name");
        let made = self.object(Method::POST, &path, Some(&change)).await?;
        self.export_port(&made)
    }

    async fn read(&self) -> Result<Option<Value>, String> {
        let answer = self
            .call(Method::GET, &self.proxy("proxy_name"), None)
            .await?;
        if !answer.status.is_success() {
            return Ok(None);
        }
        let proxy = serde_json::from_slice(&answer.body);
        proxy
            .map(Some)
            .map_err(|error| format!("Toxiproxy's answer is no JSON: {error}"))
    }

    /// The port that a proxy listens on becomes `NAME_PORT`, for names and for programs.
    fn export_port(&self, proxy: &Value) -> Result<Value, String> {
        let listen = proxy["listen"].as_str().unwrap_or_default();
        let port = listen.rsplit(':').next().unwrap_or_default();
        if port.parse::<u16>().is_err() {
            return Err(format!("Unable to parse port from proxy response {proxy}"));
        }
        let name = values::text(&self.arguments["proxy_name"]);
        self.scene.export(&format!("{name}_PORT"), port);
        Ok(json!(true))
    }

    /// An argument, or what the environment variable holds that it names as `env:NAME`.
    fn upstream(&self, argument: &str) -> Result<String, String> {
        let text = values::text(&self.arguments[argument]);
        match text.strip_prefix("env:") {
            None => Ok(text),
            Some(name) => self
                .scene
                .variable(name)
                .ok_or_else(|| format!("the environment has no {name}")),
        }
    }
}
