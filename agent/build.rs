//! Linker options of the installed agent, where the linker is known to take them.
//!
//! The profile `agent` is built for size; keeping functions that came out identical only once takes a twentieth more
//! off. Only LLD can, which is what this target is linked with unless somebody chose otherwise.

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo tells a build script everything through the environment"
)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, expect: &str| std::env::var(name).is_ok_and(|found| found == expect);
    // Zig, which links the portable build, does not know the option.
    let is_chosen = std::env::var_os("RUSTC_LINKER").is_some();
    if is("TARGET", "x86_64-unknown-linux-gnu") && is("OPT_LEVEL", "z") && !is_chosen {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
