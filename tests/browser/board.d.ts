// What a script of the board's page finds that no module gives it.
declare const uPlot: any;
