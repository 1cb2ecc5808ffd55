"""The lines of the recipes that end TLS, after the one step that the READMEs name: they are comments, which nobody else tries."""

import shlex
import ssl
import subprocess
from pathlib import Path

import pytest

from gateway.policy.routing.dialects import DIALECTS
from tests.fronts.recipes import DEPLOY, RECIPES, Recipe
from tests.fronts.running import program_of, running, status_at
from tests.harness.certificates import certificate

CADDY = next(recipe for recipe in RECIPES if recipe.name == "caddy")
FOR_TLS = {
    **dict.fromkeys(("nginx", "haproxy", "traefik", "envoy"), r"sed -i '/#plain$/d; s/#tls //'"),
    "caddy": r"sed -i '/auto_https/d; s|http://:8443|http://|; s|http://\(.*\):8443|\1|'",
}


def trusted(folder: Path) -> ssl.SSLContext:
    """Put a certificate for the hosts where the recipes look for it; what trusts it."""
    certificate(folder)
    chain, private = (folder / "tls.crt").read_bytes(), (folder / "tls.key").read_bytes()
    for file, content in (("fullchain.pem", chain), ("privkey.pem", private), ("chain-and-key.pem", chain + private)):
        (folder / file).write_bytes(content)
    return ssl.create_default_context(cafile=str(folder / "fullchain.pem"))


def test_every_dialect_has_a_recipe() -> None:
    assert sorted(recipe.name for recipe in RECIPES) == sorted(dialect.name for dialect in DIALECTS)


@pytest.mark.parametrize("recipe", [recipe for recipe in RECIPES if recipe is not CADDY], ids=lambda recipe: recipe.name)
def test_the_front_ends_tls_with_the_certificate_that_its_recipe_names(recipe: Recipe, tmp_path: Path) -> None:
    trusting = trusted(tmp_path)
    with running(recipe, tmp_path, trusting) as front:
        for host in ("login.example.com", "hr.example.com"):
            assert status_at(front.ports.front, host, trusting) in (500, 502, 503), host


def test_caddy_takes_its_recipe_without_the_plain_port(tmp_path: Path) -> None:
    program, file = program_of(CADDY), tmp_path / "Caddyfile"
    file.write_text((DEPLOY / "caddy" / "Caddyfile").read_text())
    assert subprocess.run([*shlex.split(FOR_TLS["caddy"]), file], check=False).returncode == 0
    assert ":8443" not in file.read_text()
    words: list[str | Path] = [program, "validate", "--config", file, "--adapter", "caddyfile"]
    assert subprocess.run(words, env={"HOME": str(tmp_path)}, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_readme_names_that_step_and_every_file(recipe: Recipe) -> None:
    said = (DEPLOY / recipe.name / "README.md").read_text()
    assert FOR_TLS[recipe.name] in said
    assert [name for name in recipe.files if name not in said] == []
