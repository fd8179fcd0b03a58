int of_the_cli;
