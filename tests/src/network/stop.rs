//! Has somebody asked to end? A campaign waits here and nowhere else, so that Ctrl-C ends it as an error does: everything that was
//! started is ended, and everything that was made is taken away.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use tokio::signal::unix::{SignalKind, signal};

/// Between two looks at whether the wait is cut short.
const LOOK: Duration = Duration::from_millis(50);

static ASKED: AtomicBool = AtomicBool::new(false);

/// Turns SIGINT, SIGTERM and SIGHUP into a wish to end, for as long as the process lives.
///
/// # Errors
/// What the system said.
pub fn listen() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    drop(guard);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
            }
        });
        ASKED.store(true, Ordering::SeqCst);
    });
    Ok(())
}

/// Waits.
///
/// # Errors
/// If somebody asked to end.
pub fn sleep(wait: Duration) -> Result<(), String> {
    let until = Instant::now() + wait;
    loop {
        if ASKED.load(Ordering::SeqCst) {
            return Err("interrupted".to_owned());
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        thread::sleep(left.min(LOOK));
    }
}

/// Waits until `holds`, at most so long; tells whether it does.
///
/// # Errors
/// If somebody asked to end.
pub fn until(patience: Duration, mut holds: impl FnMut() -> bool) -> Result<bool, String> {
    let deadline = Instant::now() + patience;
    while !holds() {
        if Instant::now() > deadline {
            return Ok(false);
        }
        sleep(LOOK)?;
    }
    Ok(true)
}
