"""``tfplab explain``: the plan in words and equations, made once (`account`) and written in three formats."""
