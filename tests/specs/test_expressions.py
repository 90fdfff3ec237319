"""The expression grammar: what is read, and every refusal with its offset and exact message."""
# ruff: noqa: E501  (messages stand whole, as a user reads them)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.expressions import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_NESTING,
    Binary,
    Call,
    Compare,
    ListOf,
    Logic,
    Membership,
    Name,
    Not,
    Number,
    Text,
    Unary,
    kind_of,
    order_variables,
    parse_expression,
    walk_expression,
)
from specs.functions import FUNCTIONS
from specs.tokens import GrammarError


def call(text: str) -> Call:
    root = parse_expression(text).root
    assert isinstance(root, Call)
    return root


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("ai", Name(0, "ai")),
        ("nace != 'K'", Compare(5, "!=", Name(0, "nace"), Text(8, "K"))),
        ("'it''s'", Text(0, "it's")),
        ("1.50", Number(0, 1.5)),
        ("-3", Number(0, -3)),
        ("-x", Unary(0, "-", Name(1, "x"))),
        ("+x", Name(1, "x")),
        ("-2^2", Unary(0, "-", Binary(2, "^", Number(1, 2), Number(3, 2)))),
        ("a^b^c", Binary(1, "^", Name(0, "a"), Binary(3, "^", Name(2, "b"), Name(4, "c")))),
        ("x^-1", Binary(1, "^", Name(0, "x"), Number(2, -1))),
        ("a-b-c", Binary(3, "-", Binary(1, "-", Name(0, "a"), Name(2, "b")), Name(4, "c"))),
        ("a+b*c", Binary(1, "+", Name(0, "a"), Binary(3, "*", Name(2, "b"), Name(4, "c")))),
        ("not a == 1", Not(0, Compare(6, "==", Name(4, "a"), Number(9, 1)))),
        ("a or b and c", Logic(2, "or", (Name(0, "a"), Logic(7, "and", (Name(5, "b"), Name(11, "c")))))),
        ("a and b and c", Logic(2, "and", (Name(0, "a"), Name(6, "b"), Name(12, "c")))),
        ("x in [1, -2,]", Membership(2, Name(0, "x"), ListOf(5, (Number(6, 1), Number(9, -2))))),
        ("x not in ['a']", Not(2, Membership(6, Name(0, "x"), ListOf(9, (Text(10, "a"),))))),
        ("a\n  and b", Logic(4, "and", (Name(0, "a"), Name(8, "b")))),
    ],
)
def test_trees(text: str, root: object) -> None:
    assert parse_expression(text).root == root


def test_names_are_those_of_every_place_with_their_first_offset() -> None:
    text = "mean(ai, by=[nace3, region], at=2021, leave_out=true, weights=weight, min=10) + ai"
    expression = parse_expression(text)
    assert expression.names() == (("ai", 5), ("nace3", 13), ("region", 20), ("weight", 62))
    assert expression.functions() == {"mean"}
    mean = next(node for node in walk_expression(expression.root) if isinstance(node, Call))
    assert mean.columns("by") == ("nace3", "region")
    assert mean.columns("weights") == ("weight",)
    assert (mean.whole("at"), mean.whole("min"), mean.truth("leave_out")) == (2021, 10, True)
    assert (mean.option("nothing"), mean.whole("nothing"), mean.truth("nothing")) == (None, None, False)


def test_options_have_their_name_however_they_are_written() -> None:
    assert call("lag(x)").whole("n") == 1
    assert call("lag(x, 2)").whole("n") == call("lag(x, n=2)").whole("n") == 2
    assert call("lag(x, 2)").args == (Name(4, "x"),)
    assert call("at(x, 2020)").whole("year") == 2020
    cut = call("cut(employees, [10, 20.5], labels=['a', 'b'])")
    assert call("cut(employees, [10, 20.5], ['a', 'b'])").texts("labels") == cut.texts("labels")
    assert (cut.args, cut.numbers("breaks"), cut.texts("labels")) == (
        (Name(4, "employees"),),
        (10.0, 20.5),
        ("a", "b"),
    )
    assert call("min(a, b, c)").args == (Name(4, "a"), Name(7, "b"), Name(10, "c"))
    assert call("where(a == 1, 'x', 'y')").args[1:] == (Text(14, "x"), Text(19, "y"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("x", "unknown"), ("1", "number"), ("'a'", "text"), ("x + 1", "number"), ("x == 'a'", "number"),
        ("lag(x)", "unknown"), ("lag('a')", "text"), ("cut(x, [1], labels=['a'])", "text"),
        ("where(x, 'a', y)", "text"), ("where(x, z, y)", "unknown"), ("isna(x)", "number"),
    ],
)  # fmt: skip
def test_kinds_known_before_any_data(text: str, kind: str) -> None:
    assert kind_of(parse_expression(text).root) == kind


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_example_in_a_message_can_be_read(name: str) -> None:
    for example in FUNCTIONS[name].example.replace("mean(x) by firm", "mean(x)").split(" or "):
        assert name in parse_expression(example.removeprefix(", ").strip(", ")).functions()


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "an empty expression"),
        ("   ", 0, "an empty expression"),
        ("a +", 3, "the expression ends where a value is wanted"),
        ("a b", 2, '"b" is not expected here'),
        ("(a", 0, '"(" is opened and never closed, add ")"'),
        ("a)", 1, '")" is not expected here'),
        ("x in [1", 5, '"[" is opened and never closed, add "]"'),
        ("log(x", 3, '"(" is opened and never closed, add ")"'),
        ("'abc", 0, "a quotation mark is opened and never closed"),
        ("year = 2023", 5, '"=" has no meaning here, write == to compare'),
        ("a & b", 2, '"&" has no meaning here, write and'),
        ("a && b", 2, '"&&" has no meaning here, write and'),
        ("a | b", 2, '"|" has no meaning here, write or'),
        ("!a", 0, '"!" has no meaning here, write not'),
        ("a <> b", 2, '"<>" has no meaning here, write !='),
        ("a ** 2", 2, '"**" has no meaning here, write ^ for a power'),
        ("tfp ~ ai", 4, '"~" has no meaning here, a formula belongs under models: as formula:'),
        ("x[1]", 1, '"[" has no meaning here, a list stands behind in, or in an option of a function'),
        ("a AND b", 2, '"AND" is not expected here, write and'),
        ("a and", 5, "the expression ends where a value is wanted"),
        ("and a", 0, '"and" stands where a value is wanted'),
        ("1 < x < 3", 6, 'a second comparison before "<", write 1 < x and x < 3'),
        ("a “b”", 2, 'the typographic quotation mark "“", write \' instead'),
        ("a ≥ 3", 2, 'the character "≥" has no meaning here, write >='),
        ("a \u200b", 2, "the character U+200B has no meaning here"),
        ("3x", 0, '"3x" is neither a number nor a name, a name begins with a letter'),
        ("007", 0, "the number \"007\" begins with 0, write 7, or '007' for text"),
        ("1e999", 0, 'the number "1e999" is too large'),
        ("99999999999999999999", 0, 'the number "99999999999999999999" is too large'),
        # kinds
        ("'a' + 1", 0, "the text 'a' stands where \"+\" wants a number, the name of a column stands without quotation marks"),
        ("log('x')", 4, "the text 'x' stands where log() wants a number, the name of a column stands without quotation marks"),
        ("-cut(x, [1], labels=['a'])", 1, 'text stands where "-" wants a number'),
        ("nace < 'C'", 5, '"<" compares numbers, text has no order, write == or in'),
        ("1 == 'a'", 2, "text and a number are never equal"),
        ("x and 'a'", 6, "the text 'a' stands where \"and\" wants a number, the name of a column stands without quotation marks"),
        ("not 'a'", 4, "the text 'a' stands where \"not\" wants a number, the name of a column stands without quotation marks"),
        ("ai == true", 6, '"true" or "false" stands where "==" wants a number, write 1 or 0'),
        ("true", 0, '"true" or "false" stands where an expression wants a number, write 1 or 0'),
        ("[1, 2]", 0, "a list stands where an expression wants a number"),
        ("[1] + 2", 0, 'a list stands where "+" wants a number'),
        ("x in 3", 5, '"in" wants a list before "3", write nace in [\'C\', \'G\']'),
        ("x in []", 5, 'a list behind "in" holds numbers, or quoted texts, write nace in [\'C\', \'G\']'),
        ("x in [C, G]", 5, 'a list behind "in" holds numbers, or quoted texts, write nace in [\'C\', \'G\']'),
        ("x in [1, 'a']", 5, 'a list behind "in" holds numbers, or quoted texts, write nace in [\'C\', \'G\']'),
        ("x + 1 in ['a']", 6, "text and numbers are never equal"),
        # functions
        ("lgo(x)", 0, 'no function "lgo", did you mean "log"?'),
        ("ln(x)", 0, 'no function "ln", write "log"'),
        ("sqrt(x)", 0, 'no function "sqrt", write x^0.5'),
        ("ifelse(x, 1, 2)", 0, 'no function "ifelse", write "where"'),
        ("__import__('os')", 0, 'no function "__import__", there are: log, exp, abs, min, max, lag, lead, diff, first, mean, sum, count, any, all, at, yes, asked, cut, where, isna'),
        ("os.system('x')", 0, 'no function "os.system", there are: log, exp, abs, min, max, lag, lead, diff, first, mean, sum, count, any, all, at, yes, asked, cut, where, isna'),
        ("log()", 4, 'log() lacks "x", write log(labour)'),
        ("log(x, 2)", 7, "log() is given too much, write log(labour)"),
        ("log(x, base=2)", 7, 'log() has no option "base", write log(labour)'),
        ("min(x)", 5, 'min() lacks "y", min() compares its arguments row by row, write min(x, y)'),
        ("lag(x, 0)", 7, "n in lag() is a whole number from 1"),
        ("lag(x, -1)", 7, "n in lag() is a whole number from 1, for the other direction write lead()"),
        ("lag(x, 1.5)", 7, "n in lag() is a whole number from 1"),
        ("lag(x, y)", 7, "n in lag() is a whole number from 1"),
        ("lag(x, k=2)", 7, 'lag() has no option "k", there are: n'),
        ("lag(x, 1, n=2)", 10, 'lag() is given "n" twice'),
        ("lag(n=2, x)", 9, 'a value without a name before "x", values come first, then options by name'),
        ("at(x, 21)", 6, "year in at() is a year of four digits"),
        ("at(x)", 4, 'at() lacks "year", write at(x, 2020)'),
        ("yes(1)", 4, "yes() wants the name of a survey item, write yes(ai_aos)"),
        ("asked(a == 1)", 8, "asked() wants the name of a survey item, write asked(ai_aos)"),
        ("where(a, 1)", 10, 'where() lacks "b", write where(ai == 1, x, 0)'),
        ("where(a, 1, 'b')", 12, "where() gives text in one case and a number in the other"),
        ("cut(x, 10, labels=['a'])", 7, "breaks is a list of numbers: [10, 20, 50]"),
        ("cut(x, [10, 'b'], labels=['a', 'b'])", 12, "breaks is a list of numbers: [10, 20, 50]"),
        ("cut(x, [20, 10], labels=['a', 'b'])", 7, "the breaks of cut() do not ascend"),
        ("cut(x, [10, 10], labels=['a', 'b'])", 12, '"10" stands twice in breaks'),
        ("cut(x, [10, 20], labels=['a', 'a'])", 30, '"a" stands twice in labels'),
        ("cut(x, [10, 20], labels=['a'])", 24, "2 breaks and 1 labels, each break opens a class and the last class is open, give each break one label"),
        ("cut(x, [10, 20])", 15, "cut() lacks \"labels\", write cut(employees, [10, 20, 50], labels=['10-19', '20-49', '50+'])"),
        ("cut(x, [10], label=['a'])", 13, 'cut() has no option "label", did you mean "labels"?'),
        ("mean(x, by=nace)", 11, "by is a list of columns: by=[nace, region]"),
        ("mean(x, by=['nace'])", 12, "by is a list of columns: by=[nace, region]"),
        ("mean(x, [nace])", 8, "mean() is given too much, write the options by name: by=, at=, leave_out=, weights=, min="),
        ("mean(x, by=[nace], leave_out=1)", 29, "leave_out is true or false, write leave_out=true"),
        ("mean(x, by=[nace], weights='w')", 27, "weights is the name of a column, write weights=weight"),
        ("mean(x, at=2021)", 11, '"at" in mean() goes with by=, without it the mean is the firm\'s own, write at(x, 2021) for a firm\'s own value'),
        ("mean(x, min=3)", 12, '"min" in mean() goes with by=, without it the mean is the firm\'s own, write mean(x, by=[nace], ...)'),
        ("sum(x, by=[nace])", 7, 'sum() has no option "by", write sum(x)'),
        # bounds
        ("x" * (MAX_LENGTH + 1), MAX_LENGTH, "longer than 4000 characters, divide it over several entries of variables:"),
        ("(" * 500, MAX_NESTING, "nested more than 32 deep, divide it over several entries of variables:"),
        ("-" * 500 + "x", MAX_NESTING, "nested more than 32 deep, divide it over several entries of variables:"),
        ("not " * 500 + "x", 4 * MAX_NESTING, "nested more than 32 deep, divide it over several entries of variables:"),
        ("abs(" * 500, 4 * MAX_NESTING + 3, "nested more than 32 deep, divide it over several entries of variables:"),
        ("x in [" + "1," * 600 + "]", 5, "a list of more than 500 items"),
    ],
)  # fmt: skip
def test_refusals(text: str, offset: int, message: str) -> None:
    with pytest.raises(GrammarError) as caught:
        parse_expression(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


def test_chains_are_bounded_so_that_no_reader_of_the_tree_recurses_too_deep() -> None:
    assert parse_expression("+".join(["a"] * MAX_DEPTH))
    with pytest.raises(GrammarError, match=f"more than {MAX_DEPTH} operations in one chain"):
        parse_expression("+".join(["a"] * (MAX_DEPTH + 1)))
    assert parse_expression(" or ".join(["a == 1"] * 400))


def test_variables_in_the_order_of_what_they_depend_on() -> None:
    written = {"a": "b + 1", "b": "x", "c": "d", "d": "c + b", "e": "lag(e)", "f": "c", "g": "a"}
    ordered, circles = order_variables({name: parse_expression(text) for name, text in written.items()})
    assert ordered == ("b", "a", "g")
    assert circles == (("c", "d"), ("e",))


def test_a_long_chain_of_variables_is_ordered() -> None:
    written = {f"v{number}": f"v{number + 1} + 1" for number in range(200)}
    ordered, circles = order_variables({name: parse_expression(text) for name, text in written.items()})
    assert ordered == tuple(f"v{number}" for number in reversed(range(200)))
    assert circles == ()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab1 +-*/^()[],=<>!.'\"_logatincu", max_size=40))
def test_any_text_is_read_or_refused_within_its_length(text: str) -> None:
    try:
        places = list(parse_expression(text).names())
    except GrammarError as error:
        places = [("", error.offset)]
    for name, offset in places:
        assert 0 <= offset <= len(text)
        assert text[offset:].startswith(name)
