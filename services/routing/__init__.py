"""派遣·办理: which unit gets the work order, and what the handling side does with it; host of the directory."""
