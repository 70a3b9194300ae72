export { toolboxService } from './toolbox.service.js';
export { describeTools, type ToolDescription } from './tools/registry.js';
