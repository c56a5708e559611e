//! What is put on the clipboard, and the desktop's own tools that put it there: text that steers no terminal where it is
//! pasted, of a size that terminals take. Knows no terminal: whoever owns that asks it where no tool does it.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::text::escape_lines;

/// Time for a tool; one that hangs is ended, and the terminal is asked.
const PATIENCE: Duration = Duration::from_secs(2);

/// A tool that takes text for the clipboard from its standard input.
#[derive(Debug, Clone, Copy)]
struct Tool {
    /// Environment variable that is set where it can do so.
    variable: &'static str,
    name: &'static str,
    arguments: &'static [&'static str],
}

const TOOLS: [Tool; 3] = [
    Tool {
        variable: "WAYLAND_DISPLAY",
        name: "wl-copy",
        arguments: &[],
    },
    Tool {
        variable: "DISPLAY",
        name: "xclip",
        arguments: &["-selection", "clipboard"],
    },
    Tool {
        variable: "TERM_PROGRAM",
        name: "pbcopy",
        arguments: &[],
    },
];

/// What the tools made of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// What was to be copied.
    pub copied: Copied,
    /// The tool that took it; without one the terminal is to be asked.
    pub by: Option<&'static str>,
    /// Why tools that there are did not take it.
    pub failed: Vec<String>,
}

impl Tried {
    /// What became of it, once the terminal was asked where no tool took it. A terminal does not answer, so it is not known
    /// whether it did.
    #[must_use]
    pub fn said(&self) -> String {
        let how = match self.by {
            Some(tool) => format!("with {tool}"),
            None => "through the terminal, if it allows that (OSC 52)".to_owned(),
        };
        let failed: String = self.failed.iter().map(|why| format!("; {why}")).collect();
        format!("{} {how}{failed}", self.copied.said())
    }
}

/// Gives text to the first of the desktop's tools that takes it.
pub async fn put(copied: Copied) -> Tried {
    let there = TOOLS
        .iter()
        .filter(|tool| std::env::var_os(tool.variable).is_some());
    put_with(copied, there.copied(), PATIENCE).await
}

async fn put_with(copied: Copied, tools: impl Iterator<Item = Tool>, patience: Duration) -> Tried {
    let mut failed = Vec::new();
    for tool in tools {
        let name = tool.name;
        match timeout(patience, pipe_into(tool, &copied.text)).await {
            Ok(Ok(())) => {
                let by = Some(name);
                return Tried { copied, by, failed };
            }
            // not installed: nothing that a person would look into
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
            Ok(Err(error)) => failed.push(format!("{name}: {error}")),
            Err(_) => failed.push(format!("{name} did not take it in {patience:?}")),
        }
    }
    let by = None;
    Tried { copied, by, failed }
}

async fn pipe_into(tool: Tool, text: &str) -> std::io::Result<()> {
    let mut child = Command::new(tool.name)
        .args(tool.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).await?;
    }
    let status = child.wait().await?;
    match status.success() {
        true => Ok(()),
        false => Err(std::io::Error::other(status.to_string())),
    }
}

/// Largest text that is copied, bytes: terminals cut or refuse more.
const LIMIT: usize = 100_000;

/// Text that is ready to be copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The text: no control codes but ends of lines within it, which a record and a stack trace need, and tabs. It ends
    /// with none, so that a line alone waits for Enter where it is pasted.
    pub text: String,
    /// Its size before it was cut, bytes.
    whole: usize,
}

impl Copied {
    /// Makes foreign text safe to paste and cuts what is too much.
    #[must_use]
    pub fn of(foreign: &str) -> Self {
        let lines = foreign.trim_end().replace("\r\n", "\n");
        let cells: Vec<String> = lines.split('\t').map(escape_lines).collect();
        let mut text = cells.join("\t");
        let whole = text.len();
        text.truncate(text.floor_char_boundary(LIMIT));
        Self { text, whole }
    }

    /// How much it is, and whether something is missing.
    #[must_use]
    pub fn said(&self) -> String {
        let bytes = self.text.len();
        if bytes == self.whole {
            return format!("copied {bytes} bytes");
        }
        format!(
            "copied the first {bytes} of {} bytes: cut at {LIMIT}; Ctrl-s writes all into a file",
            self.whole
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &'static str, arguments: &'static [&'static str]) -> Tool {
        let variable = "PATH";
        Tool {
            variable,
            name,
            arguments,
        }
    }

    async fn tried(tools: &[Tool]) -> Tried {
        let copied = Copied::of("größe");
        put_with(copied, tools.iter().copied(), Duration::from_millis(300)).await
    }

    #[tokio::test]
    async fn the_first_tool_that_takes_it_has_it() {
        let takes = tool("sh", &["-c", "[ \"$(cat)\" = größe ]"]);
        let absent = tool("no-such-clipboard", &[]);
        let done = tried(&[absent, takes]).await;
        assert_eq!((done.by, &done.failed[..]), (Some("sh"), &[][..]));
        assert_eq!(done.said(), "copied 7 bytes with sh");
    }

    #[tokio::test]
    async fn a_tool_that_fails_or_hangs_leaves_it_to_the_terminal_and_is_named() {
        let fails = tool("sh", &["-c", "cat > /dev/null; exit 3"]);
        let hangs = tool("sleep", &["600"]);
        let done = tried(&[fails, hangs]).await;
        assert_eq!(done.by, None);
        let said = done.said();
        for part in [
            "OSC 52",
            "sh: exit status: 3",
            "sleep did not take it in 300ms",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(tried(&[]).await.failed, [""; 0]);
    }

    #[test]
    fn what_is_pasted_steers_no_terminal_and_keeps_its_lines() {
        let copied = Copied::of("a\u{1b}]52;c;eA==\u{7}b\u{9b}31m\r\n\tat x\ry\u{202e}z\r\n\n");
        assert_eq!(copied.text, "a␛]52;c;eA==␇b<U+009B>31m\n\tat x␍y<U+202E>z");
        assert_eq!(Copied::of("größe = 3").text, "größe = 3");
        assert_eq!(Copied::of("größe = 3").said(), "copied 11 bytes");
    }

    #[test]
    fn a_cut_is_said_and_goes_through_no_letter() {
        let copied = Copied::of(&format!("a{}", "ö".repeat(60_000)));
        assert_eq!(copied.text.len(), 99_999);
        let said = copied.said();
        assert!(said.contains("the first 99999 of 120001 bytes"), "{said}");
        assert_eq!(
            Copied::of(&"x".repeat(100_000)).said(),
            "copied 100000 bytes"
        );
        assert_eq!(Copied::of("").said(), "copied 0 bytes");
    }
}
