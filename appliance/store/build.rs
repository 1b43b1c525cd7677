//! Builds anew when a migration comes: `sqlx::migrate!` alone does not notice a new file.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
