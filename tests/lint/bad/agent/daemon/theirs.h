int of_the_daemon;
