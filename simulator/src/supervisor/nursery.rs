//! The thread on which all children are born. Linux kills a child that asked for it when the *thread*
//! that started it ends, not the process; threads of the runtime may end at any time, this one lives
//! as long as the lab.

use std::{io, process::Stdio, sync::mpsc};

use tokio::{
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
};

/// Starts that may wait for the thread; each takes about a millisecond.
const WAITING: usize = 64;

type Request = (Box<Command>, oneshot::Sender<io::Result<Child>>);

/// Handle to the thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Nursery(mpsc::SyncSender<Request>);

impl Nursery {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn open() -> io::Result<Self> {
        let (requests, inbox) = mpsc::sync_channel::<Request>(WAITING);
        let runtime = Handle::current();
        std::thread::Builder::new()
            .name("nursery".into())
            .spawn(move || {
                let _runtime = runtime.enter();
                for (mut command, reply) in inbox {
                    // nobody waits any more: the child dies with its handle, which kills on drop
                    let _ = reply.send(command.spawn());
                }
            })?;
        Ok(Self(requests))
    }

    /// Starts a process. It gets a process group of its own and is killed when its handle is dropped.
    pub(crate) async fn spawn(&self, mut command: Command) -> io::Result<Child> {
        command
            .process_group(0)
            .kill_on_drop(true)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let gone = || io::Error::other("the thread that starts processes has ended");
        let (reply, answer) = oneshot::channel();
        self.0
            .try_send((Box::new(command), reply))
            .map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}
