/** Whether open pages are loaded anew, written in by the generator. */
declare const RELOAD: boolean
