//! Network namespaces without a name, for tests that need but one.

/// Runs the test on a thread in a fresh network namespace, which is gone with the thread. Where none can be made, the
/// test is skipped with a note, or fails if `RAVELIN_REQUIRE` names `netns`.
pub fn in_fresh_namespace<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let thread = std::thread::spawn(|| {
        // SAFETY: takes no pointers; only this thread moves to the new namespace.
        if unsafe { libc::unshare(libc::CLONE_NEWNET) } != 0 {
            let error = std::io::Error::last_os_error();
            let required = std::env::var("RAVELIN_REQUIRE").unwrap_or_default();
            assert!(
                !required.split(',').any(|tier| tier == "netns"),
                "no network namespace: {error}"
            );
            eprintln!("skipped, because no network namespace can be made: {error}");
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("runtime");
        runtime.block_on(test());
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
