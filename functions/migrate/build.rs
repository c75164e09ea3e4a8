//! `include_dir!` reads the migrations at compile time; cargo has to be told that a new file there
//! is a change.
fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
