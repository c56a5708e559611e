//! Unmodified clients of Toxiproxy, from the package registries of Python and Node, drive our control API and see their toxics
//! act. Neither package comes with its tests, so ours make every call that they have. They are installed into the target
//! folder, from versions that are pinned beside this file, and are mandatory where ignored tests are run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../../telemetry/tests/clients/install.rs"]
mod install;

use std::{process::Command, sync::Arc};

use scenarios::seed::Seed;
use simulator::proxy::{
    Limits, Proxies,
    control::{self, Exposed},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// A control API, and an upstream that answers every line with `omgs`. Both end with the runtime.
async fn serve() -> (u16, u16) {
    let upstream = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ports = (
        api.local_addr().unwrap().port(),
        upstream.local_addr().unwrap().port(),
    );
    tokio::spawn(async move {
        loop {
            let (stream, _) = upstream.accept().await.unwrap();
            tokio::spawn(async move {
                let mut lines = BufReader::new(stream);
                // who goes away has its reasons: the client tells
                while lines
                    .read_line(&mut String::new())
                    .await
                    .is_ok_and(|n| n > 0)
                {
                    if lines.write_all(b"omgs\n").await.is_err() {
                        break;
                    }
                }
            });
        }
    });
    let proxies = Arc::new(Proxies::new(Seed(5), Limits::default()));
    let router = control::router(proxies, Exposed::default());
    tokio::spawn(async move { axum::serve(api, router).await });
    ports
}

/// Runs a client to its end.
async fn run(mut command: Command) {
    let (api, upstream) = serve().await;
    command.args([api.to_string(), upstream.to_string()]);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().expect("the client runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.trim() == "done",
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Python 3 and a package registry"]
async fn the_client_of_python_drives_us_unchanged() {
    let mut command = Command::new(install::python());
    command.arg(install::clients().join("python/client.py"));
    run(command).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and a package registry"]
async fn the_client_of_node_drives_us_unchanged() {
    let folder = install::node();
    let mut command = Command::new("node");
    command.arg(folder.join("client.js"));
    run(command).await;
}
