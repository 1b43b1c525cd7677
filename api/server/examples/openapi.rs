//! Writes the specification files into a directory: `cargo xtask openapi` and its check run this.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args_os()
        .nth(1)
        .ok_or("name the directory to write to")?;
    for (name, text) in ravelin_api_server::openapi_files()? {
        std::fs::write(std::path::Path::new(&directory).join(name), text)?;
    }
    Ok(())
}
