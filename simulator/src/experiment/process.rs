//! The `process` provider: one program, its output as `{status, stdout, stderr}`. It has a process group of its own, which is
//! killed when the time is over or nobody waits any more.

use std::{
    ffi::OsString,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

use super::{http::seconds, scene::Scene, values};

/// Most bytes of each output that are kept; what comes then is read and thrown away.
const OUTPUT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is wrong with a provider of this type.
pub(super) fn check(
    provider: &Map<String, Value>,
    name: &str,
    problem: &mut impl FnMut(&str, String),
) {
    match provider.get("path") {
        Some(Value::String(path)) if !path.is_empty() => {
            if find(path).is_none() {
                let raw = format!("path '{path}' cannot be found, in activity '{name}'");
                problem("path", raw);
            }
        }
        _ => problem("path", "a process activity must have a path".to_owned()),
    }
    match provider.get("arguments") {
        None | Some(Value::Null | Value::String(_) | Value::Array(_) | Value::Object(_)) => {}
        Some(_) => problem(
            "arguments",
            "arguments are a list, a text for the shell, or a mapping".to_owned(),
        ),
    }
    match provider.get("timeout") {
        None | Some(Value::Null | Value::Number(_)) => {}
        Some(_) => problem("timeout", "a timeout is a number of seconds".to_owned()),
    }
}

/// Runs the program to its end.
///
/// # Errors
/// It cannot be started, or does not end in time. Any exit code is an answer.
pub(super) async fn run(scene: &Scene<'_>, activity: &Value) -> Result<Value, String> {
    let provider = &activity["provider"];
    let name = provider["path"].as_str().unwrap_or_default();
    let path = find(name).ok_or_else(|| format!("path '{name}' cannot be found"))?;
    let arguments = scene.fill(provider.get("arguments").unwrap_or(&Value::Null));
    let mut command = command(&path, &arguments);
    command
        .envs(scene.environment())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("{} cannot be started: {error}", path.display()))?;
    let mut group = Group::of(&child);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let whole = async {
        // whoever holds the pipes is waited for: a program in the background must let go of them
        let (out, err) = tokio::join!(drain(stdout), drain(stderr));
        let status = child.wait().await;
        status
            .map(|status| (status, out, err))
            .map_err(|error| format!("{} cannot be waited for: {error}", path.display()))
    };
    let (status, out, err) = match provider.get("timeout") {
        None | Some(Value::Null) => whole.await?,
        Some(limit) => tokio::time::timeout(seconds(limit)?, whole)
            .await
            .map_err(|_| "process activity took too long to complete".to_owned())??,
    };
    group.let_go();
    let code = code(status);
    if activity.get("tolerance").is_none() && code > 0 {
        scene.warn(
            "This process returned a non-zero exit code. This may indicate some error and not what you expected. Please have a \
             look at the logs.",
        );
    }
    for (name, output) in [("output", &out), ("errors", &err)] {
        if output.cut {
            scene.warn(&format!(
                "Of the {name} of this process only the first {} MiB are kept.",
                OUTPUT_BYTES_MAX / 1024 / 1024
            ));
        }
    }
    Ok(json!({ "status": code, "stdout": out.text(), "stderr": err.text() }))
}

/// A text goes to the shell behind the path, a list and the keys and values of a mapping to the program as they are.
fn command(path: &Path, arguments: &Value) -> Command {
    let words = |values: &mut dyn Iterator<Item = Value>| -> Vec<String> {
        values
            .filter(|value| !value.is_null() && value != "")
            .map(|value| values::text(&value))
            .collect()
    };
    let arguments = match arguments {
        Value::String(line) if !line.is_empty() => {
            let mut whole = OsString::from(path);
            whole.push(" ");
            whole.push(line);
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(whole);
            return command;
        }
        Value::Array(list) => words(&mut list.iter().cloned()),
        Value::Object(map) => words(
            &mut map
                .iter()
                .flat_map(|(key, value)| [json!(key), value.clone()]),
        ),
        _ => Vec::new(),
    };
    let mut command = Command::new(path);
    command.args(arguments);
    command
}

/// The exit code; a signal is counted below zero.
fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .or_else(|| status.signal().map(|signal| -signal))
        .unwrap_or(-1)
}

/// The file of a program, `~` being the home folder, looked for on the path where it is only a name.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = match (name.strip_prefix('~'), std::env::home_dir()) {
        (Some(""), Some(home)) => home,
        (Some(rest), Some(home)) if rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(name),
    };
    let runs = |file: &Path| {
        file.metadata()
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    if path.components().count() > 1 {
        return runs(&path).then_some(path);
    }
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(&path))
        .find(|file| runs(file))
}

/// A process group that is killed when this goes, unless it was let go.
#[derive(Debug)]
struct Group(Option<Pid>);

impl Group {
    fn of(child: &tokio::process::Child) -> Self {
        Self(child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())))
    }

    fn let_go(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(%error, "the group of a program had ended");
        }
    }
}

/// What a pipe gave.
#[derive(Debug, Default)]
struct Output {
    bytes: Vec<u8>,
    cut: bool,
}

impl Output {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

async fn drain(pipe: Option<impl AsyncRead + Unpin>) -> Output {
    let mut output = Output::default();
    let Some(mut pipe) = pipe else {
        return output;
    };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let room = OUTPUT_BYTES_MAX - output.bytes.len();
        output.bytes.extend_from_slice(&buffer[..count.min(room)]);
        output.cut |= count > room;
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name_by_path_and_at_home() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("/bin/sh"), Some(PathBuf::from("/bin/sh")));
        for nothing in [
            "no-such-program-here",
            "/etc/passwd",
            "/",
            "",
            "~",
            "~/no/such",
        ] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn arguments_are_words_or_a_line_for_the_shell() {
        let words = |arguments: Value| {
            let command = command(Path::new("/bin/echo"), &arguments);
            let std = command.as_std();
            let all = std::iter::once(std.get_program()).chain(std.get_args());
            all.map(|word| word.to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            words(json!(["a b", 1, true, null, ""])),
            ["/bin/echo", "a b", "1", "True"]
        );
        assert_eq!(
            words(json!({"--n": 1, "--flag": ""})),
            ["/bin/echo", "--flag", "--n", "1"],
            "the order of a mapping is not kept"
        );
        assert_eq!(
            words(json!("a | wc -l")),
            ["/bin/sh", "-c", "/bin/echo a | wc -l"]
        );
        assert_eq!(words(json!(null)), ["/bin/echo"]);
        assert_eq!(words(json!("")), ["/bin/echo"]);
    }
}
