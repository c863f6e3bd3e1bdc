"""`georay tables`: which tables, with which rows."""

import json

import pytest
import typer
from typer.testing import CliRunner

from georay.cli.tables import tables

APP = typer.Typer()
APP.command()(tables)


def run(*arguments):
    return CliRunner().invoke(APP, list(arguments), catch_exceptions=True)


@pytest.fixture
def answers(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,pred_country,country,lat,lon\n1,FR,FR,48,2\n2,IT,FR,48,2\n")
    return path


def test_without_rows_all_six_tables_are_quoted():
    result = run()
    assert result.exit_code == 0, result.output
    assert result.output.count("### Table ") == 6 and "run here |" not in result.output
    assert "different bases" in result.output


def test_a_row_goes_into_the_table_it_names_and_the_text_into_a_file(answers, tmp_path):
    result = run(f"1:mine={answers}", "--only", "1", "--markdown", str(tmp_path / "t.md"), "--json")
    facts = json.loads(result.stdout)
    (table,) = facts["tables"]
    assert table["rows"][-1]["name"] == "mine"
    assert table["rows"][-1]["cells"][0].startswith("0.5000")
    assert "| mine " in (tmp_path / "t.md").read_text()


def test_test_sets_are_given_by_name(tmp_path):
    (tmp_path / "set.csv").write_text("image_id,latitude,longitude\na,48.2,16.37\n")
    (tmp_path / "b.csv").write_text("id,lat,lon\na,48.2,16.37\n")
    result = run(f"3:b={tmp_path / 'b.csv'}", "--im2gps", str(tmp_path / "set.csv"), "--only", "3")
    assert "| b " in result.output and "closest town" in result.output


@pytest.mark.parametrize("argument", ["ours.csv", "7:a=b.csv", "1:=b.csv", "1:a=", "x:a=b"])
def test_an_argument_that_is_no_row_is_refused(argument):
    result = run(argument)
    assert isinstance(result.exception, ValueError)
    assert "TABLE:NAME=FILE" in str(result.exception)


def test_a_table_that_the_paper_does_not_have_is_refused():
    assert "no Table 7" in str(run("--only", "7").exception)
